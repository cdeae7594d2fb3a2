"""The sealed batch ``HCPB`` and what comes back for it: the door to its rooms.

Sealing stands in :mod:`.sealing`, opening in :mod:`.opening`, the header in :mod:`.header`, the ciphers of each suite
in :mod:`.suites`, the receipt in :mod:`.receipt`, the void notice in :mod:`.void`.
"""

from gateway.crypto.header import FIRST_PREVIOUS, Header
from gateway.crypto.opening import OpenedBatch, Receiver, SenderTrust, open_batch
from gateway.crypto.receipt import ExpectedReceipt, PlatformKeys, Receipt, ReceiptItem, verify_receipt
from gateway.crypto.sealing import SealedBatch, SealRequest, SenderKeys, seal_batch
from gateway.crypto.void import VoidRequest, sign_void

__all__ = [
    "FIRST_PREVIOUS",
    "ExpectedReceipt",
    "Header",
    "OpenedBatch",
    "PlatformKeys",
    "Receipt",
    "ReceiptItem",
    "Receiver",
    "SealRequest",
    "SealedBatch",
    "SenderKeys",
    "SenderTrust",
    "VoidRequest",
    "open_batch",
    "seal_batch",
    "sign_void",
    "verify_receipt",
]
