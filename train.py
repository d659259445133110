"""Run the recipe that a YAML file names under `recipe`.

``python train.py hparams/tts.yaml --seed=2`` is that recipe's own
``train.py`` with the same arguments, from any current folder.
"""

import os
import runpy
import sys

from sb_sma.torch_pair import require_torch_pair

require_torch_pair()

from sb_sma.hparams import find_recipe
from sb_sma.mistakes import tell_mistakes

if __name__ == "__main__":
    with tell_mistakes(__file__):
        recipe = find_recipe(sys.argv[1:], root=os.path.dirname(__file__))
    # the folder of the link, where a linked recipe has its prepare script
    sys.path.insert(0, str(recipe.parent))
    runpy.run_path(str(recipe), run_name="__main__")
