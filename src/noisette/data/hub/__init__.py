"""Data sets by name from the Hugging Face hub: files are fetched into the cache as they are, and nothing is run."""
