// A resource server that verifies access tokens with golang-jwt and keyfunc.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// Validate is called by the parser, after it has looked at the times, the issuer and the audience.
func (c claims) Validate() error {
	if c.Subject == "" {
		return errors.New("no sub")
	}
	return nil
}

type orders struct {
	parser *jwt.Parser
	keys   *issuerKeys
}

// authorize lets a request through whose token has that scope.
func (o *orders) authorize(scope string, next func(http.ResponseWriter, *http.Request, *claims)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			refuse(w, http.StatusUnauthorized, "Bearer")
			return
		}
		verified := &claims{}
		_, err := o.parser.ParseWithClaims(token, verified, o.keys.find(r.Context()))
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

func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

func list(w http.ResponseWriter, _ *http.Request, c *claims) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"sub": c.Subject, "scope": c.Scope})
}

func main() {
	issuer, audience, port := os.Getenv("ISSUER"), os.Getenv("AUDIENCE"), os.Getenv("PORT")
	if issuer == "" || audience == "" {
		log.Fatal("Set ISSUER to the issuer, as its tokens say it in iss, and AUDIENCE to the name of this API.")
	}
	if port == "" {
		port = "3000"
	}
	keys, err := newIssuerKeys(context.Background(), strings.TrimSuffix(issuer, "/")+"/.well-known/jwks.json")
	if err != nil {
		log.Fatal(err)
	}
	o := &orders{keys: keys, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(30*time.Second),
		jwt.WithStrictDecoding(),
	)}
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
