"""Certificates of an authority of the tests' own."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates; ``file`` holds its own."""

    folder: Path
    file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def server(self, name: str, *, days: int = 1, alone: bool = False) -> ssl.SSLContext:
        """What a server of that name or address needs.

        Args:
            name: what the certificate is for.
            days: until it expires; negative: that it expired so long ago.
            alone: signed by itself rather than by the authority.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        issuer, signer = (subject, key) if alone else (self.name, self.key)
        built = _builder(subject, issuer, key, days).add_extension(
            x509.SubjectAlternativeName([_general(name)]), critical=False
        )
        file = self.folder / f"{name}{days}{alone}.pem".replace(":", "_")
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(
            built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def authority(folder: Path) -> Authority:
    """A new authority, whose files lie in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Authority of the tests")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        _builder(name, name, key, 7)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    file = folder / "authority.pem"
    file.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return Authority(folder, file, key, name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
