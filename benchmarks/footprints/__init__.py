"""What ``benchmarks/memory.py`` is made of, in the order in which it runs.

``kernel``   a process → what it holds, by the kernel's account
``order``    which model an actor loads, and the windows that go through it
``engines``  an order → the model, loaded by us or by plain transformers
``actor``    an order → a process of its own, step by step, with seconds and memory after each
``runs``     orders → two actors at a time, or many in turns
``tables``   steps of all actors → figures, sheets and a picture

What holds: whoever measures holds no model, and actors are started by exec, so that they share
nothing but files.
"""
