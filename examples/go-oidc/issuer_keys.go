package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// timeout is how long one request to the issuer may take.
	timeout = 5 * time.Second
	// pause is how long the issuer's last answer stands: anybody can make up a key id or a signature, so one that is
	// wrong is not always a reason to ask again.
	pause = 5 * time.Second
	// maxAge is what the key set says in Cache-Control, which go-oidc does not read: a key that the issuer withdraws is
	// trusted this long.
	maxAge = 5 * time.Minute
	// patience is how long the keys that the issuer showed last stay good while it cannot be reached.
	patience = 24 * time.Hour

	largestKeySet = 256 << 10
)

// errKeysUnavailable means that nobody can tell whether the issuer has such a key.
var errKeysUnavailable = errors.New("the issuer's keys could not be had")

// issuerKeys are the public keys of an issuer. oidc.RemoteKeySet fetches and reads them, but by itself it never forgets
// one, and asks the issuer for every signature that is wrong. So it is replaced when it is old, and asks through
// RoundTrip.
type issuerKeys struct {
	ctx context.Context
	url string

	mu      sync.Mutex
	keys    *oidc.RemoteKeySet
	shownAt time.Time

	// asking guards the issuer's last answer.
	asking  sync.Mutex
	askedAt time.Time
	body    []byte
	err     error
}

func newIssuerKeys(url string) *issuerKeys {
	k := &issuerKeys{url: url}
	k.ctx = oidc.ClientContext(context.Background(), &http.Client{Transport: k})
	return k
}

// VerifySignature gives the payload of a token that one of the keys has signed. It is a method of oidc.KeySet.
func (k *issuerKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	k.mu.Lock()
	keys, age := k.keys, time.Since(k.shownAt)
	k.mu.Unlock()
	if age < maxAge {
		return keys.VerifySignature(ctx, token)
	}

	renewed := oidc.NewRemoteKeySet(k.ctx, k.url)
	payload, err := renewed.VerifySignature(ctx, token)
	if errors.Is(err, errKeysUnavailable) && age < patience {
		return keys.VerifySignature(ctx, token)
	}
	if !errors.Is(err, errKeysUnavailable) && ctx.Err() == nil {
		k.mu.Lock()
		k.keys, k.shownAt = renewed, time.Now()
		k.mu.Unlock()
	}
	return payload, err
}

// RoundTrip gives what the issuer answered last, and asks it when that is older than the pause.
func (k *issuerKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	k.asking.Lock()
	defer k.asking.Unlock()
	if time.Since(k.askedAt) >= pause {
		k.body, k.err = fetch(r)
		k.askedAt = time.Now()
	}
	if k.err != nil {
		return nil, fmt.Errorf("%w: %w", errKeysUnavailable, k.err)
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(k.body)),
		Request:    r,
	}, nil
}

func fetch(r *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	response, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, largestKeySet))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil, fmt.Errorf("the issuer answered %s", response.Status)
	}
	return body, nil
}

// lookup is the key set of one request. It keeps the error, of which oidc.IDTokenVerifier passes on only the text.
type lookup struct {
	*issuerKeys
	err error
}

func (l *lookup) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	var payload []byte
	payload, l.err = l.issuerKeys.VerifySignature(ctx, token)
	return payload, l.err
}
