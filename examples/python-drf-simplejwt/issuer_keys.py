import time

from jwt import PyJWK, PyJWKClient, PyJWKClientConnectionError, PyJWKSet, PyJWTError

# In seconds: how long one request may take, how long the last answer stands before the issuer is asked again, and how
# long the keys that it showed last stay good while it cannot be reached.
TIMEOUT = 5
PAUSE = 5
PATIENCE = 24 * 60 * 60


class IssuerKeys(PyJWKClient):
    """The public keys of an issuer.

    By itself PyJWKClient has no keys left once they are older than `lifespan` and the issuer is away. And it asks under
    a lock that everybody waits for, and pauses only after a question that was answered, so that while the issuer hangs,
    key ids that a stranger invents keep good tokens waiting.
    """

    def __init__(self, uri: str, max_age: float):
        """`max_age` in seconds is what the key set says in `Cache-Control`, which PyJWKClient does not read."""
        super().__init__(uri, lifespan=max_age, timeout=TIMEOUT, cooldown_duration=0)
        self._max_age = max_age
        self._pause = min(PAUSE, max_age)
        self._asked_at = self._shown_at = float("-inf")
        self._shown: PyJWKSet | None = None
        self._failure: Exception | None = None

    def get_signing_key(self, kid: str) -> PyJWK:
        if self._shown and self._age() < self._max_age:
            key = self.match_kid(self._shown.keys, kid)
            if key:
                return key
        return super().get_signing_key(kid)

    def get_jwk_set(self, refresh: bool = False) -> PyJWKSet:
        try:
            return super().get_jwk_set(refresh)
        except PyJWKClientConnectionError:
            # `refresh` is for a key that is unknown; of that nobody can tell while the issuer is away.
            if refresh or self._shown is None or self._age() >= PATIENCE:
                raise
            return self._shown

    def _age(self) -> float:
        return time.monotonic() - self._shown_at

    def fetch_data(self) -> PyJWKSet:
        """Raises PyJWKClientConnectionError, whatever it is that keeps the keys from being had."""
        if time.monotonic() - self._asked_at >= self._pause:
            try:
                self._shown = PyJWKSet.from_dict(super().fetch_data())
                self._shown_at = time.monotonic()
                self._failure = None
            except (PyJWTError, OSError, ValueError) as error:
                self._failure = error
            self._asked_at = time.monotonic()
        if self._failure:
            raise PyJWKClientConnectionError("The issuer's keys could not be had.") from self._failure
        return self._shown
