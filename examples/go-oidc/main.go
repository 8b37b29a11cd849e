// A resource server that verifies access tokens with go-oidc.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

type claims struct {
	Subject string `json:"sub"`
	Scope   string `json:"scope"`
}

type orders struct {
	issuer string
	keys   *issuerKeys
	config *oidc.Config
}

// authorize lets a request through whose token has that scope.
func (o *orders) authorize(scope string, next func(http.ResponseWriter, *http.Request, *claims)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			refuse(w, http.StatusUnauthorized, "Bearer")
			return
		}
		verified, err := o.verify(r.Context(), token)
		switch {
		case errors.Is(err, errKeysUnavailable):
			// Not the token's fault.
			log.Print(err)
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
		case err != nil:
			refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
		case !slices.Contains(strings.Fields(verified.Scope), scope):
			refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="`+scope+`"`)
		default:
			next(w, r, verified)
		}
	}
}

// verify gives the claims of a good token.
func (o *orders) verify(ctx context.Context, token string) (*claims, error) {
	// go-oidc does not look at typ; its ID tokens have another.
	if !isAccessToken(token) {
		return nil, errors.New("not an access token")
	}
	keys := &lookup{issuerKeys: o.keys}
	verified, err := oidc.NewVerifier(o.issuer, keys, o.config).Verify(ctx, token)
	if keys.err != nil {
		return nil, keys.err
	}
	if err != nil {
		return nil, err
	}
	c := &claims{}
	if err := verified.Claims(c); err != nil {
		return nil, err
	}
	if c.Subject == "" {
		return nil, errors.New("no sub")
	}
	return c, nil
}

func isAccessToken(token string) bool {
	encoded, _, _ := strings.Cut(token, ".")
	var header struct{ Typ, Kid string }
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(decoded, &header) != nil {
		return false
	}
	// Without a kid, go-oidc would try every key.
	return strings.EqualFold(header.Typ, "at+jwt") && header.Kid != ""
}

func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

func list(w http.ResponseWriter, _ *http.Request, c *claims) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"sub": c.Subject, "scope": c.Scope})
}

// discover gives the URL of the issuer's keys, and makes sure that the issuer calls itself by that name.
func discover(issuer string) (string, error) {
	ctx := oidc.ClientContext(context.Background(), &http.Client{Timeout: timeout})
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return "", err
	}
	var metadata struct {
		JWKSURI string `json:"jwks_uri"`
	}
	return metadata.JWKSURI, provider.Claims(&metadata)
}

func main() {
	issuer, audience, port := os.Getenv("ISSUER"), os.Getenv("AUDIENCE"), os.Getenv("PORT")
	if issuer == "" || audience == "" {
		log.Fatal("Set ISSUER to the issuer, as its tokens say it in iss, and AUDIENCE to the name of this API.")
	}
	if port == "" {
		port = "3000"
	}
	jwksURI, err := discover(issuer)
	if err != nil {
		log.Fatal(err)
	}
	o := &orders{
		issuer: issuer,
		keys:   newIssuerKeys(jwksURI),
		// ClientID is what has to be in aud.
		config: &oidc.Config{
			ClientID:             audience,
			SupportedSigningAlgs: []string{oidc.RS256},
			// go-oidc has no tolerance, so the clock that it sees is 30 seconds behind.
			Now: func() time.Time { return time.Now().Add(-30 * time.Second) },
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", o.authorize("orders:read", list))
	server := &http.Server{
		Addr:              "127.0.0.1:" + port,
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	log.Fatal(server.ListenAndServe())
}
