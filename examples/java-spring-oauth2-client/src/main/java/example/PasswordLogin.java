package example;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import org.springframework.stereotype.Component;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.client.RestClient;

/** The password grant, by hand: Spring Security 7 has none. What it gives is Spring's to keep and to refresh. */
@Component
class PasswordLogin {

    private final RestClient tokenEndpoint;
    private final ClientRegistration app;
    private final String audience;

    PasswordLogin(
        RestClient tokenEndpoint,
        ClientRegistrationRepository registrations,
        @Value("${AUDIENCE}") String audience
    ) {
        this.tokenEndpoint = tokenEndpoint;
        this.app = registrations.findByRegistrationId("user");
        this.audience = audience;
    }

    /** Throws an OAuth2AuthorizationException with the code of the refusal. */
    OAuth2AuthorizedClient logIn(String username, String password) {
        MultiValueMap<String, String> form = new LinkedMultiValueMap<>();
        form.set("grant_type", "password");
        form.set("client_id", app.getClientId());
        form.set("username", username);
        form.set("password", password);
        form.set("scope", String.join(" ", app.getScopes()));
        form.set("resource", audience);
        OAuth2AccessTokenResponse answer = tokenEndpoint
            .post()
            .uri(app.getProviderDetails().getTokenUri())
            .body(form)
            .retrieve()
            .requiredBody(OAuth2AccessTokenResponse.class);
        return new OAuth2AuthorizedClient(app, username, answer.getAccessToken(), answer.getRefreshToken());
    }
}
