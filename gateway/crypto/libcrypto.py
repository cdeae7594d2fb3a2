"""The system's libcrypto (OpenSSL 3.0 or later) by ctypes: loading it, and the signatures of the calls that SM2 needs.

``cryptography`` carries its own OpenSSL but refuses SM2 keys, hence this. Only EVP and key-file calls are bound; the
distribution patches the library. ctypes releases the GIL during each call; the error queue belongs to the thread.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p
from functools import cache
from typing import Any

from gateway.errors import Misconfigured

OLDEST = 3  # major version
NAMES = ("libcrypto.so.3", "libcrypto.so", "libcrypto.3.dylib")
Pointer = int
PASSPHRASE_CALLBACK = ctypes.CFUNCTYPE(c_int, ctypes.POINTER(ctypes.c_char), c_int, c_int, c_void_p)

_OUT = ctypes.POINTER(c_void_p)
_SIZE_OUT = ctypes.POINTER(c_size_t)
_CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ERR_clear_error": (None, ()),
    "CRYPTO_free": (None, (c_void_p, c_char_p, c_int)),
    "BIO_new": (c_void_p, (c_void_p,)),
    "BIO_s_mem": (c_void_p, ()),
    "BIO_new_mem_buf": (c_void_p, (c_char_p, c_int)),
    "BIO_read": (c_int, (c_void_p, c_char_p, c_int)),
    "BIO_ctrl_pending": (c_size_t, (c_void_p,)),
    "BIO_free": (c_int, (c_void_p,)),
    "PEM_read_bio_PrivateKey": (c_void_p, (c_void_p, c_void_p, PASSPHRASE_CALLBACK, c_void_p)),
    "PEM_read_bio_PUBKEY": (c_void_p, (c_void_p, c_void_p, PASSPHRASE_CALLBACK, c_void_p)),
    "PEM_write_bio_PKCS8": (c_int, (c_void_p, c_void_p)),
    "PEM_write_bio_PKCS8_PRIV_KEY_INFO": (c_int, (c_void_p, c_void_p)),
    "EVP_PKEY2PKCS8": (c_void_p, (c_void_p,)),
    "PKCS8_PRIV_KEY_INFO_free": (None, (c_void_p,)),
    "PKCS5_pbe2_set_iv": (c_void_p, (c_void_p, c_int, c_char_p, c_int, c_char_p, c_int)),
    "PKCS8_set0_pbe": (c_void_p, (c_char_p, c_int, c_void_p, c_void_p)),
    "X509_ALGOR_free": (None, (c_void_p,)),
    "X509_SIG_free": (None, (c_void_p,)),
    "EVP_sm4_cbc": (c_void_p, ()),
    "EVP_sm3": (c_void_p, ()),
    "d2i_PUBKEY": (c_void_p, (c_void_p, _OUT, c_long)),
    "i2d_PUBKEY": (c_int, (c_void_p, _OUT)),
    "EVP_PKEY_is_a": (c_int, (c_void_p, c_char_p)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_new": (c_void_p, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_int)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_generate": (c_int, (c_void_p, _OUT)),
    "EVP_PKEY_encrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_encrypt": (c_int, (c_void_p, c_char_p, _SIZE_OUT, c_char_p, c_size_t)),
    "EVP_PKEY_decrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_decrypt": (c_int, (c_void_p, c_char_p, _SIZE_OUT, c_char_p, c_size_t)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_MD_CTX_set_pkey_ctx": (None, (c_void_p, c_void_p)),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_char_p, _SIZE_OUT, c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
}

_chosen: list[str] = []


def choose(path: str) -> None:
    """Use the library at ``path`` (an administrator's setting) instead of searching for one; empty: search."""
    wanted = [path] if path else []
    if wanted != _chosen:
        _chosen[:] = wanted
        library.cache_clear()


def chosen() -> str:
    """The path that :func:`choose` was last given."""
    return _chosen[0] if _chosen else ""


@cache
def library() -> Any:
    """The library with its calls declared; ``Misconfigured('crypto.no_libcrypto')`` where none of 3.0 or later is."""
    for name in _chosen or [ctypes.util.find_library("crypto") or "", *NAMES]:
        loaded = _load(name) if name else None
        if loaded is not None:
            return loaded
    raise Misconfigured("crypto.no_libcrypto", tried=chosen() or ", ".join(NAMES))


def _load(name: str) -> Any | None:
    try:
        loaded: Any = ctypes.CDLL(name)
        loaded.OPENSSL_version_major.restype = c_ulong
        if loaded.OPENSSL_version_major() < OLDEST:
            return None
        for call, (result, arguments) in _CALLS.items():
            function = getattr(loaded, call)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):  # not there, or too old to have the call
        return None
    return loaded


def buffer(size: int) -> Any:
    """Room for ``size`` bytes that a call fills."""
    return ctypes.create_string_buffer(max(size, 1))
