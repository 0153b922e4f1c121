"""URI → fsspec filesystem, and its exceptions → this package's errors, without credentials.

No other module knows the exceptions of fsspec, s3fs and gcsfs. botocore finds the endpoint
(``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` or the profile).
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import fsspec

from pipeline.errors import ConfigError, InputError, PipelineError, missing_extra

SCHEMES = {"file": "file", "s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""What may stand before ``://``, and its one canonical spelling."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_S3 = {
    "retries": {"mode": "standard", "max_attempts": 5},
    "connect_timeout": 10,
    "read_timeout": 30,
}


def canonical(uri: str) -> str:
    """``uri`` with its scheme, absolute, without a slash at its end; ConfigError if it is none."""
    if not uri or _CONTROL.search(uri) or not is_utf8(uri):
        raise ConfigError(
            f"{uri!a} is no URI: it is empty, has a control character in it or is not UTF-8. "
            "Set input.uri and output.uri."
        )
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return f"file://{os.path.abspath(os.path.expanduser(uri))}"
    if scheme not in SCHEMES:
        raise ConfigError(
            f"Cannot open a URI of scheme {scheme!r}. Expected a path or one of "
            f"{', '.join(f'{known}://' for known in SCHEMES)} in input.uri and output.uri."
        )
    if SCHEMES[scheme] == "file":
        return f"file://{os.path.abspath(rest)}"
    bucket = rest.partition("/")[0]
    if "@" in bucket:
        raise ConfigError(
            f"A {scheme}:// URI holds something before '@'. Take it out: credentials come from the "
            "environment, a profile or the machine's role, never from the config."
        )
    if not bucket:
        raise ConfigError(f"{uri} names no bucket. Expected {scheme}://bucket/folder.")
    if not {"..", "."}.isdisjoint(rest.split("/")):
        raise ConfigError(
            f"{uri} has '.' or '..' between its slashes, which a bucket takes for names. Write the "
            "folder out."
        )
    return f"{SCHEMES[scheme]}://{rest.rstrip('/')}"


def is_utf8(name: str) -> bool:
    """Whether ``name`` is text: what a disk has as other bytes comes with surrogates in it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def filesystem(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The filesystem for the canonical ``uri``, and its own name for it.

    fsspec keeps one filesystem a process and thread, so that asking again is cheap and right after
    a fork.
    """
    scheme = uri.partition("://")[0]
    files = _OPENERS[scheme]()
    return files, files._strip_protocol(uri)


def is_taken(error: OSError) -> bool:
    """Whether a create failed for the one reason that something is there."""
    return isinstance(error, FileExistsError) or _code(error.__cause__) == "PreconditionFailed"


@contextmanager
def explained(kind: type[PipelineError], verb: str, uri: str) -> Iterator[None]:
    """What the backend for ``uri`` raises leaves the ``with`` as a ``kind``."""
    setting = "input.uri" if issubclass(kind, InputError) else "output.uri"
    try:
        yield
    except PipelineError:
        raise
    except FileNotFoundError as error:
        raise kind(f"Cannot {verb} {uri}: nothing is there. Check {setting}.") from error
    except _failures(uri) as error:
        raise kind(
            f"Cannot {verb} {uri}: {_reason(error)}. Check {setting}, the service and the "
            "credentials."
        ) from error


def _local() -> fsspec.AbstractFileSystem:
    return fsspec.filesystem("file")


def _s3() -> fsspec.AbstractFileSystem:
    """S3, through s3fs, which asks again where ``_asks_again`` says so, as botocore does."""
    try:
        import s3fs.core
    except ImportError:
        raise missing_extra("s3fs", "s3") from None
    s3fs.core.set_custom_error_handler(_asks_again)
    return s3fs.core.S3FileSystem(use_listings_cache=False, config_kwargs=_S3)


def _asks_again(error: BaseException) -> bool:
    """Whether a service wants a request once more, though botocore does not know it does.

    A put that met another put of the same key, and a limit on requests that is told by HTTP's
    status alone, as stores other than AWS's tell it.
    """
    status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == HTTPStatus.TOO_MANY_REQUESTS or _code(error) == "ConditionalRequestConflict"


def _gcs() -> fsspec.AbstractFileSystem:
    """GCS by its JSON interface: gcsfs's newer class does not create conditionally everywhere."""
    try:
        import gcsfs.core
    except ImportError:
        raise missing_extra("gcsfs", "gcs") from None
    return gcsfs.core.GCSFileSystem(use_listings_cache=False)


_OPENERS: dict[str, Callable[[], fsspec.AbstractFileSystem]] = {
    "file": _local,
    "s3": _s3,
    "gs": _gcs,
}


def _code(error: BaseException | None) -> str | None:
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return str(code) if code else None


def _reason(error: BaseException) -> str:
    """The failure in one line, without what may stand before ``@`` in a URL."""
    first = (str(error).strip() or "no message").splitlines()[0][:300]
    return f"{type(error).__name__}: {re.sub('//[^/@ ]*@', '//', first)}"


def _failures(uri: str) -> tuple[type[Exception], ...]:
    """What the backend for ``uri`` raises; asked only once it has raised something."""
    if uri.startswith("s3://"):
        from botocore.exceptions import BotoCoreError, ClientError

        return OSError, BotoCoreError, ClientError
    if uri.startswith("gs://"):
        from aiohttp import ClientError as HttpClientError
        from gcsfs.retry import HttpError
        from google.auth.exceptions import GoogleAuthError

        return OSError, HttpError, HttpClientError, GoogleAuthError
    return (OSError,)
