"""The floor: baselines that need no network, and that a trained model must beat to be worth its training.

Each is one plain function of the training images, the requests and a seed, and gives images as they are learned.
`registry.py` names them all.
"""
