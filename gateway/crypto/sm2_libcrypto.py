"""SM2 over the system's libcrypto: EVP calls only. Its face is :mod:`gateway.crypto.sm2`."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_size_t, c_void_p
from typing import Any

from gateway.crypto import sm2_keys
from gateway.crypto.libcrypto import PASSPHRASE_CALLBACK, Pointer, buffer, library
from gateway.crypto.sm2_keys import PBKDF2_ROUNDS, SIGNER_ID
from gateway.errors import Bug, Misconfigured

NAME = "libcrypto"


class _Handle(sm2_keys.PublicKey):
    """An EVP_PKEY of type SM2, freed with the object."""

    def __init__(self, handle: Pointer) -> None:
        """Takes over ``handle``."""
        self._handle = handle
        self._free = weakref.finalize(self, library().EVP_PKEY_free, handle)
        self._free.atexit = False
        self.spki = _spki(handle)

    def verify(self, message: bytes, signature: bytes) -> bool:
        lib = library()
        with _digest_context(self._handle) as context:
            _must(lib.EVP_DigestVerifyInit(context, None, lib.EVP_sm3(), None, self._handle) == 1)
            return bool(lib.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1)

    def encrypt(self, plain: bytes) -> bytes:
        lib = library()
        with _key_context(lib.EVP_PKEY_CTX_new(self._handle, None)) as context:
            _must(lib.EVP_PKEY_encrypt_init(context) == 1)
            size = c_size_t()
            _must(lib.EVP_PKEY_encrypt(context, None, ctypes.byref(size), plain, len(plain)) == 1)
            room = buffer(size.value)
            _must(lib.EVP_PKEY_encrypt(context, room, ctypes.byref(size), plain, len(plain)) == 1)
            return bytes(room.raw[: size.value])


class PublicKey(_Handle):
    pass


class PrivateKey(_Handle, sm2_keys.PrivateKey):
    @property
    def public(self) -> PublicKey:
        return load_public(self.spki)

    def to_pem(self, passphrase: bytes | None) -> bytes:
        lib = library()
        info = _made(lib.EVP_PKEY2PKCS8(self._handle))
        try:
            if passphrase is None:
                return _written(lib.PEM_write_bio_PKCS8_PRIV_KEY_INFO, info)
            scheme = _made(lib.PKCS5_pbe2_set_iv(lib.EVP_sm4_cbc(), PBKDF2_ROUNDS, None, 16, None, -1))
            sealed = lib.PKCS8_set0_pbe(passphrase, len(passphrase), info, scheme)
            if not sealed:
                lib.X509_ALGOR_free(scheme)
            try:
                return _written(lib.PEM_write_bio_PKCS8, _made(sealed))
            finally:
                lib.X509_SIG_free(sealed)
        finally:
            lib.PKCS8_PRIV_KEY_INFO_free(info)

    def sign(self, message: bytes) -> bytes:
        lib = library()
        with _digest_context(self._handle) as context:
            _must(lib.EVP_DigestSignInit(context, None, lib.EVP_sm3(), None, self._handle) == 1)
            size = c_size_t()
            _must(lib.EVP_DigestSign(context, None, ctypes.byref(size), message, len(message)) == 1)
            room = buffer(size.value)
            _must(lib.EVP_DigestSign(context, room, ctypes.byref(size), message, len(message)) == 1)
            return bytes(room.raw[: size.value])

    def decrypt(self, cipher: bytes) -> bytes | None:
        lib = library()
        with _key_context(lib.EVP_PKEY_CTX_new(self._handle, None)) as context:
            _must(lib.EVP_PKEY_decrypt_init(context) == 1)
            size = c_size_t()
            if lib.EVP_PKEY_decrypt(context, None, ctypes.byref(size), cipher, len(cipher)) == 1:
                room = buffer(size.value)
                if lib.EVP_PKEY_decrypt(context, room, ctypes.byref(size), cipher, len(cipher)) == 1:
                    return bytes(room.raw[: size.value])
        return None


def generate() -> PrivateKey:
    lib = library()
    with _key_context(lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)) as context:
        handle = c_void_p()
        _must(lib.EVP_PKEY_keygen_init(context) == 1 and lib.EVP_PKEY_generate(context, ctypes.byref(handle)) == 1)
        return PrivateKey(handle.value or 0)


def load_private(pem: bytes, passphrase: bytes | None) -> PrivateKey:
    return PrivateKey(_read(library().PEM_read_bio_PrivateKey, pem, passphrase))


def load_public(pem_or_der: bytes) -> PublicKey:
    lib = library()
    if pem_or_der.lstrip().startswith(b"-----BEGIN"):
        return PublicKey(_read(lib.PEM_read_bio_PUBKEY, pem_or_der, None))
    text = ctypes.create_string_buffer(pem_or_der, len(pem_or_der))
    cursor = c_void_p(ctypes.addressof(text))
    handle = lib.d2i_PUBKEY(None, ctypes.byref(cursor), len(pem_or_der))
    read = (cursor.value or 0) - ctypes.addressof(text)
    key = PublicKey(_sm2_only(handle))
    if read != len(pem_or_der) or key.spki != pem_or_der:
        raise Misconfigured("crypto.key_unreadable")
    return key


@contextmanager
def _key_context(context: Pointer | None) -> Iterator[Pointer]:
    lib = library()
    try:
        yield _made(context)
    finally:
        lib.EVP_PKEY_CTX_free(context)
        lib.ERR_clear_error()


@contextmanager
def _digest_context(handle: Pointer) -> Iterator[Pointer]:
    """A digest context whose key context carries the signer id: without it OpenSSL 3.0 takes an empty one."""
    lib = library()
    with _key_context(lib.EVP_PKEY_CTX_new(handle, None)) as parameters:
        _must(lib.EVP_PKEY_CTX_set1_id(parameters, SIGNER_ID, len(SIGNER_ID)) == 1)
        context = _made(lib.EVP_MD_CTX_new())
        try:
            lib.EVP_MD_CTX_set_pkey_ctx(context, parameters)
            yield context
        finally:
            lib.EVP_MD_CTX_free(context)


def _read(read: Any, pem: bytes, passphrase: bytes | None) -> Pointer:
    def answer(room: Any, size: int, _writing: int, _given: Any) -> int:
        """Never let libcrypto ask at the terminal."""
        if passphrase is None or len(passphrase) > size:
            return -1
        ctypes.memmove(room, passphrase, len(passphrase))
        return len(passphrase)

    lib = library()
    source = _made(lib.BIO_new_mem_buf(pem, len(pem)))
    try:
        return _sm2_only(read(source, None, PASSPHRASE_CALLBACK(answer), None))
    finally:
        lib.BIO_free(source)


def _sm2_only(handle: Pointer | None) -> Pointer:
    lib = library()
    lib.ERR_clear_error()
    if handle and lib.EVP_PKEY_is_a(handle, b"SM2") == 1:
        return handle
    lib.EVP_PKEY_free(handle)
    raise Misconfigured("crypto.key_unreadable")


def _spki(handle: Pointer) -> bytes:
    lib = library()
    size = lib.i2d_PUBKEY(handle, None)
    _must(size > 0)
    room = buffer(size)
    cursor = c_void_p(ctypes.addressof(room))
    _must(lib.i2d_PUBKEY(handle, ctypes.byref(cursor)) == size)
    return bytes(room.raw[:size])


def _written(write: Any, subject: Pointer) -> bytes:
    lib = library()
    sink = _made(lib.BIO_new(lib.BIO_s_mem()))
    try:
        _must(write(sink, subject) == 1)
        room = buffer(lib.BIO_ctrl_pending(sink))
        size = lib.BIO_read(sink, room, len(room))
        return bytes(room.raw[:size])
    finally:
        lib.BIO_free(sink)


def _made(pointer: Pointer | None) -> Pointer:
    _must(bool(pointer))
    return pointer or 0


def _must(held: bool) -> None:
    """A call that can't fail but for want of memory, or with a key that this module made."""
    if not held:
        library().ERR_clear_error()
        raise Bug("crypto.libcrypto_failed")
