"""Speed and quality, measured by anyone: each module is a command that prints ratios of one run on one machine."""
