"""Opens one sealed answer in a process of its own: `pgp_child.py SOURCE TARGET MOST_BYTES`.

A hostile message (one that unpacks to a thousand times its size) can at worst end this process.
The keys come on standard input as JSON {key, cert: base64, word: text or null}, never on the
command line. It prints the fingerprints of the certificates whose signatures are valid, one a
line, and nothing else; exit code 0 only where the message was opened whole.
"""

from __future__ import annotations

import base64
import json
import resource
import sys

from pysequoia import Cert, Tsk, decrypt_file

CPU_SECONDS = 120
MEMORY_BYTES = 2 << 30
"""Address space, libraries included."""


def main(source: str, target: str, most_bytes: int) -> int:
    """Decrypt and verify; return the exit code."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, most_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    given = json.load(sys.stdin)
    try:
        own = Tsk.from_bytes(base64.b64decode(given["key"]))
        bank = Cert.from_bytes(base64.b64decode(given["cert"]))
        opened = decrypt_file(source, target, own.decryptor(given["word"]), lambda _ids: [bank])
    except RuntimeError:
        return 1
    for signature in opened.valid_sigs:
        print(signature.certificate)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
