package example;

import java.net.http.HttpClient;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.converter.FormHttpMessageConverter;
import org.springframework.security.oauth2.client.AuthorizedClientServiceOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.http.OAuth2ErrorResponseErrorHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.client.OAuth2ClientHttpRequestInterceptor;
import org.springframework.security.oauth2.client.web.client.RequestAttributePrincipalResolver;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.http.converter.OAuth2AccessTokenResponseHttpMessageConverter;
import org.springframework.security.oauth2.core.http.converter.OAuth2ErrorHttpMessageConverter;
import org.springframework.web.client.RestClient;

@Configuration
class ClientConfiguration {

    /** As Spring Security's own RestClient for the token endpoint, with timeouts (it has none) and one more handler. */
    @Bean
    RestClient tokenEndpoint() {
        return RestClient.builder()
            .requestFactory(requestFactory())
            .configureMessageConverters(converters -> {
                converters.addCustomConverter(new FormHttpMessageConverter());
                converters.addCustomConverter(new OAuth2AccessTokenResponseHttpMessageConverter());
            })
            // RFC 6749 §5.2: a wrong secret is answered with 401, and Spring's handler reads the error of a 400 only.
            .defaultStatusHandler(HttpStatus.UNAUTHORIZED::equals, (request, response) -> {
                throw new OAuth2AuthorizationException(
                    new OAuth2ErrorHttpMessageConverter().read(OAuth2Error.class, response)
                );
            })
            .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler())
            .build();
    }

    @Bean
    RestClientClientCredentialsTokenResponseClient clientCredentials(
        RestClient tokenEndpoint,
        @Value("${AUDIENCE}") String audience
    ) {
        RestClientClientCredentialsTokenResponseClient client = new RestClientClientCredentialsTokenResponseClient();
        client.setRestClient(tokenEndpoint);
        // RFC 8707: for which API, if the client may use more than one.
        client.setParametersCustomizer(parameters -> parameters.set("resource", audience));
        return client;
    }

    /** Keeps the tokens, and gets new ones a minute before they expire. */
    @Bean
    OAuth2AuthorizedClientManager authorizedClientManager(
        ClientRegistrationRepository registrations,
        OAuth2AuthorizedClientService authorizedClients,
        RestClientClientCredentialsTokenResponseClient clientCredentials,
        RestClient tokenEndpoint
    ) {
        RestClientRefreshTokenTokenResponseClient refreshes = new RestClientRefreshTokenTokenResponseClient();
        refreshes.setRestClient(tokenEndpoint);
        AuthorizedClientServiceOAuth2AuthorizedClientManager manager =
            new AuthorizedClientServiceOAuth2AuthorizedClientManager(registrations, authorizedClients);
        manager.setAuthorizedClientProvider(
            OAuth2AuthorizedClientProviderBuilder.builder()
                .clientCredentials(grant -> grant.accessTokenResponseClient(clientCredentials))
                .refreshToken(grant -> grant.accessTokenResponseClient(refreshes))
                .build()
        );
        return manager;
    }

    /** Calls the API with the tokens of the registration that a request names. */
    @Bean
    RestClient api(
        @Value("${API_URL}") String url,
        OAuth2AuthorizedClientManager manager,
        OAuth2AuthorizedClientService authorizedClients
    ) {
        OAuth2ClientHttpRequestInterceptor bearer = new OAuth2ClientHttpRequestInterceptor(manager);
        bearer.setPrincipalResolver(new RequestAttributePrincipalResolver());
        // Without this, a token that the API refuses is presented until it expires.
        bearer.setAuthorizationFailureHandler(
            OAuth2ClientHttpRequestInterceptor.authorizationFailureHandler(authorizedClients)
        );
        return RestClient.builder().baseUrl(url).requestFactory(requestFactory()).requestInterceptor(bearer).build();
    }

    private static JdkClientHttpRequestFactory requestFactory() {
        HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        JdkClientHttpRequestFactory factory = new JdkClientHttpRequestFactory(http);
        factory.setReadTimeout(Duration.ofSeconds(10));
        return factory;
    }
}
