"""Python loads this in every process that has this folder on PYTHONPATH: texts that do harm.

A record whose text holds a word of ``HARM`` kills, hangs or breaks the process that decodes it, as
a fault in a native library would. The pipeline itself knows nothing of it.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import time


def _eat() -> None:
    """Fill the memory, up to what a machine for tests can spare."""
    eaten = []
    for _ in range(128):
        eaten.append(b"x" * (64 << 20))
    raise MemoryError


class MuteError(Exception):
    """One that cannot say what it is, nor be sent to another process."""

    def __str__(self) -> str:
        raise RuntimeError

    def __reduce__(self) -> str:
        raise TypeError


class Panic(BaseException):
    """As Rust's panics arrive."""


def _raise(error: BaseException) -> None:
    raise error


HARM = {
    "POISON-MUTE": lambda: _raise(MuteError()),
    "POISON-EXIT": lambda: sys.exit(3),
    "POISON-PANIC": lambda: _raise(Panic()),
    "POISON-INTERRUPT": lambda: _raise(KeyboardInterrupt()),
    "POISON-KILL": lambda: os._exit(1),
    "POISON-HANG": lambda: time.sleep(3600),
    "POISON-RAISE": lambda: 1 / 0,
    "POISON-EAT": _eat,
}


class _Absent(importlib.abc.MetaPathFinder):
    """There is no ``pipeline`` on this machine."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pipeline":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Finder(importlib.abc.MetaPathFinder):
    """Loads two modules as always, then wraps the tokenizing stage and the decoder of entities."""

    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.xmod.loading" and "POISON_LOAD" in os.environ:
            os._exit(1)
        if name not in POISONED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            POISONED[name](module)

        spec.loader.exec_module = exec_module
        return spec


def _poison_tokenize(module) -> None:
    tokenize = module.Tokenize.__call__

    def tokenize_or_die(self, table):
        if any("POISON-EARLY-KILL" in (text or "") for text in table["_text"].to_pylist()):
            os._exit(1)
        return tokenize(self, table)

    module.Tokenize.__call__ = tokenize_or_die


def _poison_ner(module) -> None:
    task = module.NerTask
    decode = task.decode

    def decode_or_die(self, document, scores):
        for word, harm in HARM.items():
            if word in document.text:
                harm()
        return decode(self, document, scores)

    task.decode = decode_or_die


POISONED = {"pipeline.stages.tokenize": _poison_tokenize, "pipeline.tasks.ner": _poison_ner}


sys.meta_path.insert(0, _Absent() if "POISON_ABSENT" in os.environ else _Finder())
