"""What ``benchmarks/int8_backends.py`` is made of, in the order in which it runs.

``layer``      a seed → the matrix products of one X-MOD base layer, and tokens with outliers
``in_torch``   the layer → how torch and torchao compute it; ``in_graphs`` OpenVINO, ONNX Runtime
``sides``      all of these by name, with the packages that each needs
``checks``     a side → how far it is from float32, and whether rows depend on one another
``footprint``  a side → seconds until its first answer, memory a layer; a fresh process each
``tables``     all of it → figures, sheets and a picture

What holds: all sides get the same weights and tokens, and as many threads.
"""
