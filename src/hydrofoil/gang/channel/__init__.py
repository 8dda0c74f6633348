"""Connections between processes of a gang: the proof of who they are, and messages they can trust.

Both sides know a secret of the run, which comes with the function, by Spark's own way, and which no
connection carries. From it and from a number that each side chooses anew, they derive a proof and
a key for each direction. What follows is cut into records, each behind a code that only the key
makes (``records``): one that was changed, repeated, left out, moved or sent back is an error.

Why not TLS: without certificates, which nobody has made for executors, it needs keys that are
shared beforehand, and Python's ``ssl`` has those from 3.13 on only. Where both sides have the
package ``cryptography``, records are encrypted and authenticated by AES-GCM; elsewhere they are
authenticated by HMAC-SHA256 of the standard library, which takes longer.
"""
