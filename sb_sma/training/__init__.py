"""What the recipes share besides the model: Brain, recovery, reports."""
