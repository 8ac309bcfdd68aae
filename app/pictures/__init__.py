"""Pictures: what is asked for, drawn, marked, kept and looked at, whichever page or program asks."""
