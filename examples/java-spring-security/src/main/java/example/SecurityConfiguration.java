package example;

import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletResponse;
import java.net.MalformedURLException;
import java.net.URI;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;

@Configuration
class SecurityConfiguration {

    @Bean
    SecurityFilterChain security(
        HttpSecurity http,
        @Value("${orders.issuer}") String issuer,
        @Value("${orders.audience}") String audience
    ) {
        return http
            .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_orders:read"))
            .oauth2ResourceServer(server -> server
                .jwt(Customizer.withDefaults())
                // Published either way (RFC 9728), and of its own with what the Host header says and no issuer.
                .protectedResourceMetadata(metadata -> metadata.protectedResourceMetadataCustomizer(resource -> resource
                    .resource(audience)
                    .authorizationServer(issuer)
                    .tlsClientCertificateBoundAccessTokens(false)))
            )
            .addFilterBefore(unavailableWithoutKeys(), BearerTokenAuthenticationFilter.class)
            .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .csrf(csrf -> csrf.disable())
            .build();
    }

    /**
     * The access tokens of RFC 9068: typ at+jwt, exp, iat, sub, jti and client_id must be there. A JwtDecoder of one's
     * own, because the one that Boot makes of its properties accepts no typ but JWT.
     */
    @Bean
    JwtDecoder jwtDecoder(
        JWKSource<SecurityContext> keys,
        @Value("${orders.issuer}") String issuer,
        @Value("${orders.audience}") String audience
    ) {
        // RS256 is what the builder accepts unless told otherwise.
        NimbusJwtDecoder decoder = NimbusJwtDecoder.withJwkSource(keys).build();
        decoder.setJwtValidator(JwtValidators.createAtJwtValidator().issuer(issuer).audience(audience).build());
        return decoder;
    }

    /** The issuer's keys. Nothing is fetched before the first token, so this service starts while the issuer is away. */
    @Bean
    JWKSource<SecurityContext> keys(@Value("${orders.jwks-url}") URI url) throws MalformedURLException {
        int timeout = (int) Duration.ofSeconds(5).toMillis();
        return JWKSourceBuilder.create(url.toURL(), new DefaultResourceRetriever(timeout, timeout, 64 * 1024))
            .cache(Duration.ofMinutes(5).toMillis(), Duration.ofSeconds(15).toMillis())
            .rateLimited(Duration.ofSeconds(5).toMillis())
            .retrying(true)
            .outageTolerant(Duration.ofHours(24).toMillis())
            .build();
    }

    /** That the keys could not be had is not the token's fault: 503, where Spring Security would end in a bare 401. */
    private static Filter unavailableWithoutKeys() {
        return (request, response, chain) -> {
            try {
                chain.doFilter(request, response);
            } catch (AuthenticationServiceException error) {
                HttpServletResponse answer = (HttpServletResponse) response;
                answer.setHeader("Retry-After", "5");
                answer.setStatus(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
            }
        };
    }
}
