import json
import threading
import time
from http.client import HTTPException
from urllib.request import urlopen

from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet

# In seconds: how long one request may take, how long the last answer stands before the issuer is asked again, and how
# long the keys that it showed last stay good while it cannot be reached.
TIMEOUT = 5
PAUSE = 5
PATIENCE = 24 * 60 * 60
LARGEST_KEY_SET = 256 * 1024


class KeysUnavailable(Exception):
    """The issuer cannot be reached, or what it answers is no key set."""


class IssuerKeys:
    """The public keys of an issuer. joserfc reads them, but neither fetches nor keeps them."""

    def __init__(self, uri: str, max_age: float):
        """`max_age` in seconds is what the key set says in `Cache-Control`."""
        self._uri = uri
        self._max_age = max_age
        # Anybody can invent a key id, so one that is unknown is not always a reason to ask again.
        self._pause = min(PAUSE, max_age)
        self._keys: dict[str, Key] = {}
        self._asked_at = self._shown_at = float("-inf")
        self._failure: Exception | None = None
        self._asking = threading.Lock()

    def find(self, kid: str | None) -> Key:
        """The key of that id. Raises InvalidKeyIdError, or KeysUnavailable where nobody can tell."""
        usable = kid in self._keys and self._age() < PATIENCE
        if not usable or self._age() >= self._max_age:
            try:
                self._refresh(wait=not usable)
            except KeysUnavailable:
                if not usable:
                    raise
        key = self._keys.get(kid)
        if key is None:
            raise InvalidKeyIdError("The issuer does not publish this key.")
        return key

    def _age(self) -> float:
        return time.monotonic() - self._shown_at

    def _refresh(self, wait: bool) -> None:
        """Asks the issuer, or takes what it said just now. Who has a key does not wait for somebody else's question."""
        if not self._asking.acquire(blocking=wait):
            return
        try:
            if time.monotonic() - self._asked_at >= self._pause:
                try:
                    self._keys = self._fetch()
                    self._shown_at = time.monotonic()
                    self._failure = None
                except (OSError, ValueError, JoseError, HTTPException) as error:
                    self._failure = error
                self._asked_at = time.monotonic()
            if self._failure:
                raise KeysUnavailable("The issuer's keys could not be had.") from self._failure
        finally:
            self._asking.release()

    def _fetch(self) -> dict[str, Key]:
        with urlopen(self._uri, timeout=TIMEOUT) as response:
            key_set = KeySet.import_key_set(json.loads(response.read(LARGEST_KEY_SET)))
        return {key.kid: key for key in key_set.keys if key.kid}
