"""What the lessons are made of: texts, formulas and pictures of games and networks, in two languages."""
