package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// errKeysUnavailable means that nobody can tell whether the issuer has such a key.
var errKeysUnavailable = errors.New("the issuer's keys could not be had")

// issuerKeys are the public keys of an issuer, as keyfunc keeps them.
type issuerKeys struct {
	keyfunc.Keyfunc
	// failed says that the issuer, when it was asked last, gave no key set.
	failed atomic.Bool
}

func newIssuerKeys(ctx context.Context, url string) (*issuerKeys, error) {
	k := &issuerKeys{}
	var err error
	k.Keyfunc, err = keyfunc.NewDefaultOverrideCtx(ctx, []string{url}, keyfunc.Override{
		Client:      &http.Client{Transport: k},
		HTTPTimeout: 5 * time.Second,
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(_ context.Context, err error) {
				k.failed.Store(true)
				log.Print("The issuer's keys could not be renewed: ", err)
			}
		},
		// The max-age of the issuer's key set, which jwkset does not read: a key that the issuer withdraws is trusted
		// this long. The default is an hour.
		RefreshInterval: 5 * time.Minute,
		// Anybody can invent a key id, so they share one question a second. By default it is one in five minutes, and
		// one invented id keeps a new key out for as long.
		RefreshUnknownKID: rate.NewLimiter(rate.Every(time.Second), 1),
		// How long a request may wait for its turn and for the answer together.
		RateLimitWaitMax: 5 * time.Second,
	})
	return k, err
}

// find gives the parser the key of a token.
func (k *issuerKeys) find(ctx context.Context) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		// golang-jwt does not look at it, and an ID token is no access token.
		if typ, _ := token.Header["typ"].(string); !strings.EqualFold(typ, "at+jwt") {
			return nil, errors.New("not an access token")
		}
		// Without an id, keyfunc would try every key.
		if _, ok := token.Header["kid"].(string); !ok {
			return nil, errors.New("no kid")
		}
		key, err := k.KeyfuncCtx(ctx)(token)
		// keyfunc calls a key unknown too when it could not ask; any other error is that it may not ask yet.
		if err != nil && (k.failed.Load() || !errors.Is(err, jwkset.ErrKeyNotFound)) {
			return nil, fmt.Errorf("%w: %w", errKeysUnavailable, err)
		}
		return key, err
	}
}

// RoundTrip asks the issuer, and bounds what it may answer.
func (k *issuerKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	k.failed.Store(false)
	response.Body = http.MaxBytesReader(nil, response.Body, 256<<10)
	return response, nil
}
