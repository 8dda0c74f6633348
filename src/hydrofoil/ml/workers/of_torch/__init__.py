"""Torch in a rank, and its modules where they predict.

``batches`` has a rank's rows, ``losses`` what is made of outputs, ``training`` the loop,
``predicting`` what transforms; ``building`` makes optimizers, and bytes of modules.
"""
