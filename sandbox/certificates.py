"""A certificate authority (证书机构) of our own, and certificates that are good, or wrong in one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """``file``: what a client trusts. Certificates and their keys lie beside it."""

    def __init__(self, folder: Path, name: str = "sandbox authority") -> None:
        self._folder, self._name, self._key = folder, _name(name), ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        basic, usage = x509.BasicConstraints(ca=True, path_length=0), _signing()
        made = _unsigned(self._name, self._name, self._key, now - 2 * DAY, now + 3650 * DAY)
        made = made.add_extension(basic, critical=True).add_extension(usage, critical=True)
        self.file = _written(folder / "authority.pem", made.sign(self._key, hashes.SHA256()))

    def issue(
        self, name: str, *, host: str = "127.0.0.1", since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Path, Path]:
        """Files of a certificate for the address ``host`` and of its key; by default it is good for a year."""
        now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
        made = _unsigned(_name(name), self._name, key, since or now - 2 * DAY, until or now + 365 * DAY)
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate = _written(self._folder / f"{name}.pem", made.sign(self._key, hashes.SHA256()))
        private = self._folder / f"{name}.key.pem"
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        private.write_bytes(pem)
        private.chmod(0o600)
        return certificate, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _signing() -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    off = dict.fromkeys((*names, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **off)


def _written(file: Path, certificate: x509.Certificate) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file
