package example;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/** A resource server on the JDK's own HTTP server. */
public final class Orders {

    private static final String SCOPE = "orders:read";

    private final AccessTokens tokens;

    private Orders(AccessTokens tokens) {
        this.tokens = tokens;
    }

    public static void main(String[] args) throws IOException {
        Map<String, String> environment = System.getenv();
        String issuer = environment.get("ISSUER");
        String audience = environment.get("AUDIENCE");
        if (issuer == null || audience == null) {
            System.err.println("Set ISSUER to the issuer, as its tokens say it in iss, and AUDIENCE to the name of this API.");
            System.exit(2);
        }
        URI jwksUrl = URI.create(environment.getOrDefault("JWKS_URL", issuer + "/.well-known/jwks.json"));
        Orders orders = new Orders(new AccessTokens(issuer, audience, jwksUrl.toURL()));

        int port = Integer.parseInt(environment.getOrDefault("PORT", "3000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/orders", orders::answer);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
        System.out.println("{\"listening\":\"http://127.0.0.1:" + server.getAddress().getPort() + "\"}");
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            try {
                answerOrders(exchange);
            } catch (KeySourceException error) {
                // Not the token's fault: no key, since the issuer cannot be reached.
                System.err.println(error.getMessage());
                exchange.getResponseHeaders().set("Retry-After", "5");
                exchange.sendResponseHeaders(503, -1);
            } catch (ParseException | BadJOSEException | JOSEException error) {
                refuse(exchange, 401, "Bearer error=\"invalid_token\"");
            }
        }
    }

    private void answerOrders(HttpExchange exchange)
        throws IOException, ParseException, BadJOSEException, JOSEException {
        String token = bearerToken(exchange);
        if (token == null) {
            refuse(exchange, 401, "Bearer");
            return;
        }
        JWTClaimsSet claims = tokens.verify(token);
        String scope = claims.getStringClaim("scope");
        if (scope == null || !List.of(scope.split(" ")).contains(SCOPE)) {
            refuse(exchange, 403, "Bearer error=\"insufficient_scope\", scope=\"" + SCOPE + "\"");
            return;
        }
        Map<String, Object> answer = Map.of("sub", claims.getSubject(), "scope", scope);
        byte[] body = JSONObjectUtils.toJSONString(answer).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
    }

    private static String bearerToken(HttpExchange exchange) {
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        if (header == null || !header.regionMatches(true, 0, "Bearer ", 0, 7)) return null;
        return header.substring(7).strip();
    }

    private static void refuse(HttpExchange exchange, int status, String challenge) throws IOException {
        exchange.getResponseHeaders().set("WWW-Authenticate", challenge);
        exchange.sendResponseHeaders(status, -1);
    }
}
