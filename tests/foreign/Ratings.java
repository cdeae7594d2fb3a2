import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebService;
import javax.jws.soap.SOAPBinding;
import javax.xml.ws.Endpoint;

/** A JAX-WS service, rpc/literal: strings in, one string of XML out. Prints its port. */
@WebService(targetNamespace = "urn:county", name = "Ratings", serviceName = "RatingsService", portName = "RatingsPort")
@SOAPBinding(style = SOAPBinding.Style.RPC)
public class Ratings {
    private final List<String[]> records = new ArrayList<>();

    Ratings(Path lines) throws Exception {
        for (String line : Files.readAllLines(lines)) records.add(line.split("\t"));
    }

    @WebMethod
    public String listRatings(
            @WebParam(name = "token") String token, @WebParam(name = "since") String since,
            @WebParam(name = "page") int page, @WebParam(name = "size") int size) {
        if (!"right".equals(token)) return "<result><code>401</code></result>";
        StringBuilder rows = new StringBuilder();
        int seen = 0, total = 0;
        for (String[] each : records) {
            if (each[1].compareTo(since) < 0) continue;
            total++;
            if (seen++ / size == page - 1)
                rows.append("<rating><id>" + each[0] + "</id><updatedAt>" + each[1] + "</updatedAt><text>" + each[2]
                        + "</text></rating>");
        }
        return "<result><code>0</code><total>" + total + "</total><ratings>" + rows + "</ratings></result>";
    }

    public static void main(String[] asked) throws Exception {
        int port;
        try (java.net.ServerSocket free = new java.net.ServerSocket(0)) { port = free.getLocalPort(); }
        Endpoint.publish("http://127.0.0.1:" + port + "/ws", new Ratings(Path.of(asked[0])));
        System.out.println("{\"port\": " + port + "}");
        while (System.in.read() >= 0) { }
        System.exit(0);
    }
}
