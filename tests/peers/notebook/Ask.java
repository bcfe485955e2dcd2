import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;

/** Asks by JDBC as tools do: the address, then a statement. First the tables that the driver names, then the rows. */
public class Ask {
  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(args[0]);
        Statement statement = connection.createStatement()) {
      System.out.println(connection.getMetaData().getDriverName() + " " + connection.getMetaData().getDriverVersion());
      ResultSet tables = connection.getMetaData().getTables(null, "ecomflow", "%", null);
      while (tables.next()) System.out.println("table " + tables.getString("TABLE_NAME"));
      ResultSet rows = statement.executeQuery(args[1]);
      ResultSetMetaData columns = rows.getMetaData();
      while (rows.next())
        for (int at = 1; at <= columns.getColumnCount(); at++)
          System.out.println(columns.getColumnName(at) + " " + rows.getString(at));
    }
  }
}
