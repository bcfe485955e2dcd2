import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.Session;
import io.trino.plugin.hive.HiveConnectorFactory;
import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.spi.Plugin;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.TestingSession;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Trino of one node in this process. java Trino FOLDER, for its metastore and tables. A line of stdin is JSON, {schema,
 * sql}; it is answered by a line of JSON, {columns, rows} with values as text, or {error}. The first line says {columns:
 * [], rows: []} once it is ready. The catalogs hive and iceberg share a metastore and find each other's tables under the
 * same names, as Athena has one catalog for both.
 */
public final class Trino {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // logs
        ObjectMapper json = new ObjectMapper();
        Session session = TestingSession.testSessionBuilder()
                .setCatalog("hive")
                .setSchema("default")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build();
        DistributedQueryRunner trino = DistributedQueryRunner.builder(session).setNodeCount(1).build();
        Map<String, String> metastore = Map.of("hive.metastore.catalog.dir", "file://" + args[0]);

        Map<String, String> hive = new LinkedHashMap<>(metastore);
        hive.put("hive.metastore", "file");
        hive.put("hive.iceberg-catalog-name", "iceberg");
        hive.put("hive.partition-projection-enabled", "true");
        hive.put("hive.ignore-absent-partitions", "true"); // of projected days that nothing came on
        hive.put("hive.table-statistics-enabled", "false"); // a metastore of files has none of projected partitions
        trino.installPlugin(new Hive());
        trino.createCatalog("hive", "hive", hive);

        Map<String, String> iceberg = new LinkedHashMap<>(metastore);
        iceberg.put("iceberg.catalog.type", "TESTING_FILE_METASTORE");
        iceberg.put("iceberg.hive-catalog-name", "hive");
        iceberg.put("iceberg.file-format", "PARQUET");
        iceberg.put("iceberg.max-partitions-per-writer", "100"); // as Athena
        trino.installPlugin(new IcebergPlugin());
        trino.createCatalog("iceberg", "iceberg", iceberg);

        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println(json.writeValueAsString(Map.of("columns", List.of(), "rows", List.of())));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode asked = json.readTree(line);
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                Session within = Session.builder(session).setSchema(asked.get("schema").asText()).build();
                MaterializedResult result = trino.execute(within, asked.get("sql").asText());
                List<List<String>> rows = new ArrayList<>();
                result.getMaterializedRows().forEach(row -> {
                    List<String> values = new ArrayList<>();
                    row.getFields().forEach(value -> values.add(text(value)));
                    rows.add(values);
                });
                answer.put("columns", result.getUpdateType().isPresent() ? List.of() : result.getColumnNames());
                answer.put("rows", rows);
            } catch (RuntimeException error) {
                answer.put("error", String.valueOf(error.getMessage()));
            }
            out.println(json.writeValueAsString(answer));
        }
        System.exit(0); // closing takes ten seconds, and nothing is kept
    }

    private static String text(Object value) {
        if (value == null) return null;
        return value instanceof BigDecimal decimal ? decimal.toPlainString() : value.toString();
    }

    /** Trino's own plugin for Hive is in a file that Maven Central does not have for 406; all that it does is this. */
    private static final class Hive implements Plugin {
        @Override
        public Iterable<ConnectorFactory> getConnectorFactories() {
            return List.of(new HiveConnectorFactory("hive"));
        }
    }
}
