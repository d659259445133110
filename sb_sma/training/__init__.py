"""What the recipes share besides the model: Brain, recovery, reports."""

import logging


def _matters(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("torchvision is not available")


# said at every import, of a way to save pictures that no recipe takes
logging.getLogger("speechbrain.utils.train_logger").addFilter(_matters)
