// A client that gets its tokens with golang.org/x/oauth2.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type pair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

type report struct {
	ClientCredentials string `json:"client_credentials"`
	Password          pair   `json:"password"`
	Refresh           pair   `json:"refresh"`
	API               int    `json:"api"`
	Revoked           *bool  `json:"revoked"`
	Introspected      *bool  `json:"introspected"`
	BadSecret         string `json:"bad_secret"`
	DeadRefresh       string `json:"dead_refresh"`
}

// refusal is the error code with which the issuer refused, and none if it is another error.
func refusal(err error) string {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return ""
	}
	fmt.Fprintf(os.Stderr, "refused: %v\n", err)
	return refused.ErrorCode
}

// run uses every grant. The client of ctx serves all of it, the token sources included, so ctx must live as long.
func run(ctx context.Context) (*report, error) {
	scopes := strings.Fields(os.Getenv("SCOPE"))
	service := clientcredentials.Config{
		ClientID:       os.Getenv("CLIENT_ID"),
		ClientSecret:   os.Getenv("CLIENT_SECRET"),
		TokenURL:       os.Getenv("TOKEN_ENDPOINT"),
		Scopes:         scopes,
		EndpointParams: url.Values{"resource": {os.Getenv("AUDIENCE")}},
		// Left to be found out, whatever is refused is sent a second time in another style.
		AuthStyle: oauth2.AuthStyleInHeader,
	}
	serviceTokens := service.TokenSource(ctx)
	serviceToken, err := serviceTokens.Token()
	if err != nil {
		return nil, err
	}
	response, err := oauth2.NewClient(ctx, serviceTokens).Get(os.Getenv("API_URL"))
	if err != nil {
		return nil, err
	}
	response.Body.Close()

	user := oauth2.Config{
		ClientID: os.Getenv("PUBLIC_CLIENT_ID"),
		Scopes:   scopes,
		Endpoint: oauth2.Endpoint{
			TokenURL: os.Getenv("TOKEN_ENDPOINT"),
			// A public client has no secret to put into a header.
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	login, err := user.PasswordCredentialsToken(ctx, os.Getenv("USERNAME"), os.Getenv("PASSWORD"))
	if err != nil {
		return nil, err
	}
	refreshed, err := refresh(ctx, user, login.RefreshToken)
	if err != nil {
		return nil, err
	}
	if err := revoke(ctx, user.ClientID, refreshed.RefreshToken); err != nil {
		return nil, err
	}

	_, dead := refresh(ctx, user, refreshed.RefreshToken)
	service.ClientSecret += "x"
	_, bad := service.Token(ctx)
	return &report{
		ClientCredentials: serviceToken.AccessToken,
		Password:          pair{login.AccessToken, login.RefreshToken},
		Refresh:           pair{refreshed.AccessToken, refreshed.RefreshToken},
		API:               response.StatusCode,
		BadSecret:         refusal(bad),
		DeadRefresh:       refusal(dead),
	}, nil
}

// refresh redeems a refresh token. user.TokenSource(ctx, token) does it by itself, 10 seconds before the token expires,
// and tells nobody the new refresh token, which has to be stored: so a source in use is wrapped in one that stores it.
func refresh(ctx context.Context, user oauth2.Config, refreshToken string) (*oauth2.Token, error) {
	return user.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// revoke ends a session (RFC 7009). x/oauth2 has nothing for it.
func revoke(ctx context.Context, clientID, refreshToken string) error {
	form := url.Values{"client_id": {clientID}, "token": {refreshToken}}
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, os.Getenv("ISSUER")+"/oauth2/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := oauth2.NewClient(ctx, nil).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answered %s", response.Status)
	}
	return nil
}

func main() {
	// By default there is no timeout, and a hanging issuer hangs its clients.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: 10 * time.Second})
	report, err := run(ctx)
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(report)
}
