"""A trained model on disk: its format, the checkpoints that ship with the repository, and what loads them."""
