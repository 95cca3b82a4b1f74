import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client of the exchange in Java 17 or later with nothing but its standard library: signs one record, posts it, and
 * checks that the answer is the exchange's own and answers this very request.
 *
 * <pre>java Share.java [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]</pre>
 *
 * The key is Ed25519. Without --jwks the exchange's keys are fetched from BASE_URL/v1/keys; without --path the record
 * goes to /v1/shares; without a key of one's own the idempotency key is random. Prints {"status", "id", "position", "verified": true} and
 * exits 0 when the record was accepted, and the answer verified. A verified refusal is printed with "detail" and "remedy";
 * it exits 3. Otherwise prints {"reason"} on standard error and exits 1, or 2 when it is called
 * wrongly.
 */
public final class Share {
    private static final String LABEL = "sig1";
    private static final String REQUEST_TAG = "safeguarding-exchange-request";
    private static final String RESPONSE_TAG = "safeguarding-exchange-response";
    private static final List<String> REQUEST_COVERS = List.of("\"@method\"", "\"@authority\"", "\"@path\"", "\"@query\"",
        "\"content-type\"", "\"content-digest\"", "\"idempotency-key\"");
    private static final List<String> ANSWER_COVERS = List.of("\"@status\"", "\"content-type\"", "\"content-digest\"",
        "\"@method\";req", "\"@authority\";req", "\"@path\";req", "\"@query\";req", "\"signature\";req;key=\"" + LABEL + "\"");
    private static final long OLDEST_S = 300;
    private static final long SKEW_S = 30;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final byte[] ED25519_SPKI = HexFormat.of().parseHex("302a300506032b6570032100"); // RFC 8410

    private static final Pattern INPUT =
        Pattern.compile("sig1=(\\(([^()]*)\\)((?:;[a-z]+=(?:\"[^\"\\\\]*\"|\\d{1,15}))*))");
    private static final Pattern PARAMETER = Pattern.compile(";([a-z]+)=(?:\"([^\"\\\\]*)\"|(\\d{1,15}))");
    private static final Pattern FLAT_OBJECT = Pattern.compile("\\{[^{}]*\\}");

    /** Why an answer is not believed, or nothing could be sent. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;

        Refusal(String reason) {
            super(reason);
        }
    }

    /** A request as it is sent; {@code headers} has lower-case names. */
    private record Sent(String authority, String target, Map<String, String> headers) {
        String value(String name) {
            int query = target.indexOf('?');
            return switch (name) {
                case "@method" -> "POST";
                case "@authority" -> authority;
                case "@path" -> query < 0 ? target : target.substring(0, query);
                case "@query" -> query < 0 ? "?" : target.substring(query);
                default -> headers.get(name);
            };
        }
    }

    /** A key of the exchange, by its thumbprint. */
    private record AnsweringKey(PublicKey key, String algorithm) {}

    public static void main(String[] arguments) {
        String jwks = null;
        String target = "/v1/shares";
        List<String> rest = new ArrayList<>();
        for (int at = 0; at < arguments.length; at++) {
            boolean more = at + 1 < arguments.length;
            if (arguments[at].equals("--jwks") && more) jwks = arguments[++at];
            else if (arguments[at].equals("--path") && more) target = arguments[++at];
            else rest.add(arguments[at]);
        }
        if (rest.size() < 3 || rest.size() > 4 || rest.get(0).startsWith("--")) {
            complain("usage: Share [--jwks FILE] [--path PATH] BASE_URL KEY_PEM BODY_JSON [IDEMPOTENCY_KEY]");
            System.exit(2);
        }
        try {
            System.out.println(share(rest, jwks, target));
        } catch (Refusal | IOException | GeneralSecurityException | IllegalArgumentException error) {
            complain(String.valueOf(error.getMessage()));
            System.exit(1);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            System.exit(1);
        }
    }

    private static String share(List<String> given, String jwks, String target)
            throws Refusal, IOException, GeneralSecurityException, InterruptedException {
        String base = given.get(0).replaceAll("/+$", "");
        URI url = URI.create(base + target);
        PrivateKey key = privateKey(Files.readString(Path.of(given.get(1))));
        byte[] body = Files.readAllBytes(Path.of(given.get(2)));
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
        String keys = jwks == null ? fetchKeys(client, base) : Files.readString(Path.of(jwks));

        Map<String, String> headers = new HashMap<>();
        headers.put("content-type", "application/json");
        headers.put("content-digest", contentDigest(body));
        headers.put("idempotency-key", given.size() == 4 ? given.get(3) : random());
        Sent request = new Sent(authority(url), target, headers);
        sign(request, key);

        HttpRequest.Builder building = HttpRequest.newBuilder(url).timeout(TIMEOUT);
        headers.forEach(building::header);
        HttpResponse<byte[]> answer = client.send(
            building.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(), HttpResponse.BodyHandlers.ofByteArray());
        check(answer, request, keys);
        String text = new String(answer.body(), StandardCharsets.UTF_8);
        if (answer.statusCode() >= 300) {
            System.out.println("{\"status\":" + answer.statusCode() + ",\"type\":" + member(text, "type") + ",\"detail\":"
                + member(text, "detail") + ",\"remedy\":" + member(text, "remedy") + ",\"verified\":true}");
            System.exit(3);
        }
        return "{\"status\":" + answer.statusCode() + ",\"id\":" + member(text, "id") + ",\"position\":"
            + member(text, "position") + ",\"verified\":true}";
    }

    private static String fetchKeys(HttpClient client, String base) throws Refusal, IOException, InterruptedException {
        HttpRequest asking = HttpRequest.newBuilder(URI.create(base + "/v1/keys")).timeout(TIMEOUT).build();
        HttpResponse<String> answer = client.send(asking, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new Refusal("the exchange's keys cannot be fetched");
        return answer.body();
    }

    private static void sign(Sent request, PrivateKey key) throws Refusal, GeneralSecurityException {
        String parameters = "(" + String.join(" ", REQUEST_COVERS) + ");created=" + Instant.now().getEpochSecond()
            + ";nonce=\"" + random() + "\";keyid=\"" + thumbprint(okp(publicX(key))) + "\";tag=\"" + REQUEST_TAG + "\"";
        Map<String, String> values = new HashMap<>();
        for (String component : REQUEST_COVERS) values.put(component, request.value(bare(component)));
        Signature signing = Signature.getInstance("Ed25519");
        signing.initSign(key);
        signing.update(signatureBase(REQUEST_COVERS, values, parameters));
        request.headers().put("signature-input", LABEL + "=" + parameters);
        request.headers().put("signature", LABEL + "=:" + Base64.getEncoder().encodeToString(signing.sign()) + ":");
    }

    /** RFC 9421 section 2.4: the answer's signature covers the request's, so it answers nothing else. */
    private static void check(HttpResponse<byte[]> answer, Sent request, String keys)
            throws Refusal, GeneralSecurityException {
        if (!contentDigest(answer.body()).equals(answer.headers().firstValue("content-digest").orElse(""))) {
            throw new Refusal("the answer's Content-Digest is not that of its body");
        }
        Matcher input = INPUT.matcher(answer.headers().firstValue("signature-input").orElse(""));
        if (!input.matches()) throw new Refusal("the answer is not signed, or not in the exchange's profile");
        List<String> components = Arrays.asList(input.group(2).split(" "));
        for (String component : ANSWER_COVERS) {
            if (!components.contains(component)) {
                throw new Refusal("the answer's signature does not cover " + component);
            }
        }
        Map<String, String> parameters = new HashMap<>();
        Matcher found = PARAMETER.matcher(input.group(3));
        while (found.find()) {
            String value = found.group(2) != null ? found.group(2) : found.group(3);
            if (parameters.put(found.group(1), value) != null) throw new Refusal("a parameter of the answer comes twice");
        }
        if (!RESPONSE_TAG.equals(parameters.get("tag"))) throw new Refusal("the answer's signature is not tagged " + RESPONSE_TAG);
        long age = Instant.now().getEpochSecond() - Long.parseLong(parameters.getOrDefault("created", "0"));
        if (age > OLDEST_S || age < -SKEW_S) throw new Refusal("the answer's signature is not fresh");

        Map<String, String> values = new HashMap<>();
        for (String component : components) {
            if (component.equals(ANSWER_COVERS.get(ANSWER_COVERS.size() - 1))) {
                values.put(component, request.headers().get("signature").substring((LABEL + "=").length()));
            } else if (component.equals("\"@status\"")) {
                values.put(component, Integer.toString(answer.statusCode()));
            } else if (component.endsWith(";req")) {
                values.put(component, request.value(bare(component)));
            } else {
                values.put(component, answer.headers().firstValue(bare(component)).orElse(null));
            }
        }
        AnsweringKey key = answeringKey(keys, parameters.get("keyid"));
        Signature verifying = Signature.getInstance(key.algorithm());
        verifying.initVerify(key.key());
        verifying.update(signatureBase(components, values, input.group(1)));
        String made = answer.headers().firstValue("signature").orElse("");
        if (!made.startsWith(LABEL + "=:") || !made.endsWith(":") || made.length() < LABEL.length() + 3
                || !verified(verifying, Base64.getDecoder().decode(made.substring(LABEL.length() + 2, made.length() - 1)))) {
            throw new Refusal("the answer's signature does not hold for this answer to this request");
        }
    }

    private static boolean verified(Signature verifying, byte[] signature) {
        try {
            return verifying.verify(signature);
        } catch (GeneralSecurityException misshapen) {
            return false;
        }
    }

    /** RFC 9421 section 2.5: one line for each component, and the parameters last. */
    private static byte[] signatureBase(List<String> components, Map<String, String> values, String parameters)
            throws Refusal {
        StringBuilder lines = new StringBuilder();
        for (String component : components) {
            String value = values.get(component);
            if (value == null) throw new Refusal("the signature covers " + component + ", which cannot be resolved");
            lines.append(component).append(": ").append(value.strip()).append('\n');
        }
        return lines.append("\"@signature-params\": ").append(parameters).toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** The algorithm is the key's own, whatever the message says. */
    private static AnsweringKey answeringKey(String keys, String keyId) throws Refusal, GeneralSecurityException {
        Matcher each = FLAT_OBJECT.matcher(keys);
        while (each.find()) {
            String jwk = each.group();
            String curve = text(jwk, "crv");
            if ("Ed25519".equals(curve) && thumbprint(okp(text(jwk, "x"))).equals(keyId)) {
                byte[] raw = Base64.getUrlDecoder().decode(text(jwk, "x"));
                byte[] encoded = Arrays.copyOf(ED25519_SPKI, ED25519_SPKI.length + raw.length);
                System.arraycopy(raw, 0, encoded, ED25519_SPKI.length, raw.length);
                return new AnsweringKey(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)), "Ed25519");
            }
            if ("P-256".equals(curve) && thumbprint(ec(text(jwk, "x"), text(jwk, "y"))).equals(keyId)) {
                AlgorithmParameters curveOf = AlgorithmParameters.getInstance("EC");
                curveOf.init(new ECGenParameterSpec("secp256r1"));
                ECPoint point = new ECPoint(coordinate(text(jwk, "x")), coordinate(text(jwk, "y")));
                ECPublicKeySpec spec = new ECPublicKeySpec(point, curveOf.getParameterSpec(ECParameterSpec.class));
                return new AnsweringKey(KeyFactory.getInstance("EC").generatePublic(spec), "SHA256withECDSAinP1363Format");
            }
        }
        throw new Refusal("the answer is signed with a key that is not the exchange's");
    }

    private static PrivateKey privateKey(String pem) throws Refusal, GeneralSecurityException {
        String encoded = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        try {
            return KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(encoded)));
        } catch (GeneralSecurityException error) {
            throw new Refusal("the private key is not an Ed25519 key in PKCS#8 PEM");
        }
    }

    /**
     * Java's standard library does not give the public half of a private key. Seeding a key-pair generator with the
     * private bytes makes it derive that half.
     */
    private static String publicX(PrivateKey key) throws GeneralSecurityException {
        byte[] encoded = key.getEncoded();
        byte[] seed = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
        java.security.KeyPairGenerator generator = java.security.KeyPairGenerator.getInstance("Ed25519");
        generator.initialize(java.security.spec.NamedParameterSpec.ED25519, new SecureRandom() {
            @Override
            public void nextBytes(byte[] bytes) {
                System.arraycopy(seed, 0, bytes, 0, bytes.length);
            }
        });
        byte[] made = generator.generateKeyPair().getPublic().getEncoded();
        return base64Url(Arrays.copyOfRange(made, made.length - 32, made.length));
    }

    private static String okp(String x) {
        return "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + x + "\"}";
    }

    private static String ec(String x, String y) {
        return "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" + x + "\",\"y\":\"" + y + "\"}";
    }

    /** RFC 7638: the SHA-256 of the required members, in order of name, without white space. */
    private static String thumbprint(String members) throws GeneralSecurityException {
        return base64Url(MessageDigest.getInstance("SHA-256").digest(members.getBytes(StandardCharsets.US_ASCII)));
    }

    private static String contentDigest(byte[] body) throws GeneralSecurityException {
        return "sha-256=:" + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(body)) + ":";
    }

    private static String authority(URI url) {
        String host = url.getHost().toLowerCase();
        boolean usual = url.getPort() < 0 || url.getPort() == (url.getScheme().equals("https") ? 443 : 80);
        return usual ? host : host + ":" + url.getPort();
    }

    private static String bare(String component) {
        return component.substring(1, component.indexOf('"', 1));
    }

    private static BigInteger coordinate(String text) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(text));
    }

    private static String random() {
        byte[] bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return base64Url(bytes);
    }

    private static String base64Url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** The text of a member of a flat object, or null. A JWK has no escapes in what is read here. */
    private static String text(String flatObject, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(flatObject);
        return found.find() ? found.group(1) : null;
    }

    private static String member(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*(\"[^\"]*\"|\\d+)").matcher(json);
        return found.find() ? found.group(1) : "null";
    }

    private static void complain(String reason) {
        System.err.println("{\"reason\":\"" + reason.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", " ") + "\"}");
    }
}
