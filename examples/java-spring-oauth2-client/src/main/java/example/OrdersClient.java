package example;

import static org.springframework.security.oauth2.client.web.client.RequestAttributeClientRegistrationIdResolver.clientRegistrationId;
import static org.springframework.security.oauth2.client.web.client.RequestAttributePrincipalResolver.principal;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.client.RestClient;
import tools.jackson.databind.json.JsonMapper;

@SpringBootApplication
public class OrdersClient {

    public static void main(String[] args) {
        SpringApplication.run(OrdersClient.class, args);
    }

    @Bean
    ApplicationRunner tour(
        Environment environment,
        RestClient api,
        RestClient tokenEndpoint,
        PasswordLogin login,
        OAuth2AuthorizedClientManager manager,
        OAuth2AuthorizedClientService authorizedClients,
        ClientRegistrationRepository registrations,
        RestClientClientCredentialsTokenResponseClient clientCredentials
    ) {
        return arguments -> {
            Map<String, Object> report = new LinkedHashMap<>();

            // A service of its own: the token is got by the way, at the first call.
            Authentication service = authentication("orders-client");
            Integer status = api
                .get()
                .attributes(clientRegistrationId("service"))
                .attributes(principal(service))
                .retrieve()
                .toBodilessEntity()
                .getStatusCode()
                .value();
            OAuth2AuthorizedClient own = authorizedClients.loadAuthorizedClient("service", service.getName());
            report.put("client_credentials", own.getAccessToken().getTokenValue());
            report.put("api", status);

            // A user: logged in once, from then on refreshed by the manager. Here at once, as though 14 minutes had passed.
            Authentication user = authentication(environment.getRequiredProperty("USERNAME"));
            OAuth2AuthorizedClient loggedIn = login.logIn(user.getName(), environment.getRequiredProperty("PASSWORD"));
            report.put("password", pair(loggedIn));
            authorizedClients.saveAuthorizedClient(expired(loggedIn), user);
            OAuth2AuthorizeRequest wanted = OAuth2AuthorizeRequest.withClientRegistrationId("user").principal(user).build();
            OAuth2AuthorizedClient refreshed = manager.authorize(wanted);
            report.put("refresh", pair(refreshed));

            // Spring's client neither revokes (RFC 7009) nor introspects (RFC 7662).
            MultiValueMap<String, String> revocation = new LinkedMultiValueMap<>();
            revocation.set("client_id", refreshed.getClientRegistration().getClientId());
            revocation.set("token", refreshed.getRefreshToken().getTokenValue());
            String issuer = environment.getRequiredProperty("ISSUER");
            tokenEndpoint.post().uri(issuer + "/oauth2/revoke").body(revocation).retrieve().toBodilessEntity();
            report.put("revoked", null);
            report.put("introspected", null);

            authorizedClients.saveAuthorizedClient(expired(refreshed), user);
            report.put("dead_refresh", errorCode(() -> manager.authorize(wanted)));
            ClientRegistration wrong = ClientRegistration
                .withClientRegistration(registrations.findByRegistrationId("service"))
                .clientSecret("wrong")
                .build();
            report.put(
                "bad_secret",
                errorCode(() -> clientCredentials.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(wrong)))
            );
            System.out.println(JsonMapper.shared().writeValueAsString(report));
        };
    }

    private static Authentication authentication(String name) {
        return UsernamePasswordAuthenticationToken.authenticated(name, null, AuthorityUtils.NO_AUTHORITIES);
    }

    private static Map<String, String> pair(OAuth2AuthorizedClient client) {
        return Map.of(
            "access_token", client.getAccessToken().getTokenValue(),
            "refresh_token", client.getRefreshToken().getTokenValue()
        );
    }

    private static OAuth2AuthorizedClient expired(OAuth2AuthorizedClient client) {
        OAuth2AccessToken token = client.getAccessToken();
        return new OAuth2AuthorizedClient(
            client.getClientRegistration(),
            client.getPrincipalName(),
            new OAuth2AccessToken(token.getTokenType(), token.getTokenValue(), token.getIssuedAt(), Instant.now()),
            client.getRefreshToken()
        );
    }

    private static String errorCode(Runnable refused) {
        try {
            refused.run();
        } catch (OAuth2AuthorizationException refusal) {
            return refusal.getError().getErrorCode();
        }
        throw new IllegalStateException("It was not refused.");
    }
}
