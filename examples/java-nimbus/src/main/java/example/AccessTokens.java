package example;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URL;
import java.text.ParseException;
import java.time.Duration;
import java.util.Set;

/** Verifies an issuer's access tokens (RFC 9068) for one API. */
final class AccessTokens {

    private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

    AccessTokens(String issuer, String audience, URL jwksUrl) {
        processor.setJWSTypeVerifier(
            new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt"), new JOSEObjectType("application/at+jwt"))
        );
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, keys(jwksUrl)));
        DefaultJWTClaimsVerifier<SecurityContext> claims = new DefaultJWTClaimsVerifier<>(
            audience,
            new JWTClaimsSet.Builder().issuer(issuer).build(),
            // Without this, a token that has no exp is good for ever.
            Set.of("exp", "sub")
        );
        claims.setMaxClockSkew(30);
        processor.setJWTClaimsSetVerifier(claims);
    }

    /**
     * The claims of a good token.
     *
     * @throws com.nimbusds.jose.KeySourceException a JOSEException: the issuer's keys could not be had
     */
    JWTClaimsSet verify(String token) throws ParseException, BadJOSEException, JOSEException {
        return processor.process(token, null);
    }

    /** Nothing is fetched before the first token, so a service starts while the issuer is away. */
    private static JWKSource<SecurityContext> keys(URL url) {
        int timeout = (int) Duration.ofSeconds(5).toMillis();
        return JWKSourceBuilder.create(url, new DefaultResourceRetriever(timeout, timeout, 64 * 1024))
            .cache(Duration.ofMinutes(5).toMillis(), Duration.ofSeconds(15).toMillis())
            .rateLimited(Duration.ofSeconds(5).toMillis())
            .retrying(true)
            .outageTolerant(Duration.ofHours(24).toMillis())
            .build();
    }
}
