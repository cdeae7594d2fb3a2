"""The sealed batch ``HCPB`` and what comes back for it: the door to its rooms.

Sealing stands in :mod:`.sealing`, opening in :mod:`.opening`, the header in :mod:`.header`, the content in
:mod:`.content`, the ciphers of each suite in :mod:`.suites`, the receipt in :mod:`.receipt`, the void notice in
:mod:`.void`.
"""

from gateway.crypto.header import FIRST_PREVIOUS, Header
from gateway.crypto.opening import OpenedBatch, OpenedHead, Receiver, SenderTrust, open_batch, open_from
from gateway.crypto.receipt import ExpectedReceipt, PlatformKeys, Receipt, ReceiptItem, verify_receipt
from gateway.crypto.sealing import SealedBatch, SealedHead, SealRequest, SenderKeys, seal_batch, seal_into
from gateway.crypto.void import VoidRequest, sign_void

__all__ = [
    "FIRST_PREVIOUS",
    "ExpectedReceipt",
    "Header",
    "OpenedBatch",
    "OpenedHead",
    "PlatformKeys",
    "Receipt",
    "ReceiptItem",
    "Receiver",
    "SealRequest",
    "SealedBatch",
    "SealedHead",
    "SenderKeys",
    "SenderTrust",
    "VoidRequest",
    "open_batch",
    "open_from",
    "seal_batch",
    "seal_into",
    "sign_void",
    "verify_receipt",
]
