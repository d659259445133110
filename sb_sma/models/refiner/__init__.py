"""What makes a predicted mel sharp: from the mean of all likely ones to one."""
