import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;

/**
 * DynamoDB Local on 127.0.0.1: its own ServerRunner listens on every interface. Arguments: a port, and a folder for
 * tables that outlive the process; without one they are in memory.
 */
class Loopback {
  public static void main(String[] args) throws Exception {
    String folder = args.length > 1 ? args[1] : null;
    var requests = new LocalDynamoDBRequestHandler(0, folder == null, folder, false, false);
    var server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
    server.setHandler(new LocalDynamoDBServerHandler(requests, null));
    server.start();
    server.join();
  }
}
