"""The latents behind the pictures: walks, sweeps, directions, and the search for the one that draws a given picture."""
