"""What the recipes share besides the model: history, samples, reports."""
