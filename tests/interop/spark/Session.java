import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.DeltaLog;

/**
 * Spark with Delta Lake as their guides set them up, told line by line what to do.
 *
 * <p>Argument: a folder for scratch files, in which the file `answers` gets a line for each line of standard input.
 * Requests: "run SQL", "save FOLDER SQL" and "checkpoint FOLDER", their parts divided by tabs. Answers: "done", or
 * "failed" and why.
 */
public final class Session {
    private static final String INSTANTS = "spark.sql.parquet.outputTimestampType";

    private Session() {}

    public static void main(String[] args) throws Exception {
        SparkSession spark =
                SparkSession.builder()
                        .appName("interop")
                        .master("local[2]")
                        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
                        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
                        .config("spark.sql.session.timeZone", "UTC")
                        .config("spark.sql.shuffle.partitions", "2")
                        .config("spark.databricks.delta.snapshotPartitions", "2")
                        // VACUUM makes as many tasks as this says: by default 10,000, which take ten minutes.
                        .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
                        .config("spark.driver.host", "127.0.0.1")
                        .config("spark.driver.bindAddress", "127.0.0.1")
                        .config("spark.local.dir", args[0])
                        .config("spark.sql.warehouse.dir", args[0] + "/warehouse")
                        .config("spark.ui.enabled", "false")
                        .getOrCreate();
        Path answers = Path.of(args[0], "answers");
        answer(answers, "done");
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            try {
                obey(spark, line.split("\t"));
                answer(answers, "done");
            } catch (Exception failure) {
                answer(answers, "failed\t" + String.valueOf(failure).replaceAll("\\s+", " "));
            }
        }
        spark.stop();
    }

    private static void obey(SparkSession spark, String[] request) {
        switch (request[0]) {
            case "run" -> spark.sql(request[1]).collectAsList();
            case "save" -> {
                // Exact, where what Spark writes by default has to be understood first. Tables are written by default.
                String before = spark.conf().get(INSTANTS);
                spark.conf().set(INSTANTS, "TIMESTAMP_MICROS");
                spark.sql(request[2]).coalesce(1).write().parquet(request[1]);
                spark.conf().set(INSTANTS, before);
            }
            case "checkpoint" -> DeltaLog.forTable(spark, request[1]).checkpoint();
            default -> throw new IllegalArgumentException(request[0]);
        }
    }

    private static void answer(Path answers, String line) throws Exception {
        Files.writeString(answers, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
