import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat;
import org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe;
import org.apache.hadoop.hive.serde2.AbstractSerDe;
import org.apache.hadoop.hive.serde2.objectinspector.ObjectInspector;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.Reporter;

/**
 * What Firehose's format conversion is made of, as Hive ships it: a JSON SerDe reads each line by the table's columns,
 * Hive's Parquet SerDe writes it. Five arguments for each conversion: the JSON SerDe's class; the columns' names,
 * joined by commas, and types, by colons; a folder of files with a JSON object a line; the Parquet file to write. Says
 * how many rows each wrote; ends with the SerDe's exception at the first line that it refuses.
 */
public class Convert {
  public static void main(String[] args) throws Exception {
    for (int at = 0; at < args.length; at += 5) {
      Properties table = new Properties();
      table.setProperty("columns", args[at + 1]);
      table.setProperty("columns.types", args[at + 2]);
      table.setProperty("parquet.compression", "SNAPPY");
      AbstractSerDe json = (AbstractSerDe) Class.forName(args[at]).getDeclaredConstructor().newInstance();
      System.out.println(convert(json, table, Path.of(args[at + 3]), args[at + 4]));
    }
  }

  private static long convert(AbstractSerDe json, Properties table, Path folder, String out) throws Exception {
    JobConf job = new JobConf();
    json.initialize(job, table);
    ObjectInspector inspector = json.getObjectInspector();
    ParquetHiveSerDe parquet = new ParquetHiveSerDe();
    parquet.initialize(job, table);

    var format = new MapredParquetOutputFormat();
    var file = new org.apache.hadoop.fs.Path(out);
    var writer = format.getHiveRecordWriter(job, file, Text.class, true, table, Reporter.NULL);
    long rows = 0;
    for (Path record : records(folder)) {
      // Rows end in a line feed alone: within a row's strings JSON escapes it.
      for (String line : Files.readString(record, StandardCharsets.UTF_8).split("\n")) {
        writer.write(parquet.serialize(json.deserialize(new Text(line)), inspector));
        rows++;
      }
    }
    writer.close(false);
    return rows;
  }

  private static List<Path> records(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
