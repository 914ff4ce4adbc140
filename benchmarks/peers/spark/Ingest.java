import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.to_date;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.streaming.Trigger;

/**
 * A topic of trades into a Delta table with Structured Streaming, as the guides of Spark and Delta Lake show it.
 *
 * <p>Arguments: servers, topic, folder, records per micro-batch, milliseconds between micro-batches.
 */
public final class Ingest {
    private static final String TRADE =
            "transaction_id STRING, strategy_id STRING, leg_id STRING, symbol STRING, action STRING, quantity BIGINT, "
                    + "price DECIMAL(18,4), commission DECIMAL(18,4), timestamp TIMESTAMP, order_id STRING, account STRING";

    private Ingest() {}

    public static void main(String[] args) throws Exception {
        SparkSession spark =
                SparkSession.builder()
                        .appName("ingest")
                        .master("local[*]")
                        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
                        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
                        .config("spark.sql.session.timeZone", "UTC")
                        .config("spark.driver.host", "127.0.0.1")
                        .config("spark.driver.bindAddress", "127.0.0.1")
                        .config("spark.local.dir", args[2] + "/scratch")
                        .config("spark.ui.enabled", "false")
                        .getOrCreate();
        Map<String, String> json = new HashMap<>();
        json.put("mode", "FAILFAST");
        spark.readStream()
                .format("kafka")
                .option("kafka.bootstrap.servers", args[0])
                .option("subscribe", args[1])
                .option("startingOffsets", "earliest")
                .option("maxOffsetsPerTrigger", args[3])
                .load()
                .select(
                        from_json(col("value").cast("string"), functions.lit(TRADE), json).alias("trade"),
                        col("partition").alias("_partition"),
                        col("offset").alias("_offset"),
                        col("timestamp").alias("_kafka_timestamp"))
                .select("trade.*", "_partition", "_offset", "_kafka_timestamp")
                .withColumn("date", to_date(col("timestamp")))
                .writeStream()
                .format("delta")
                .outputMode("append")
                .partitionBy("date")
                .option("checkpointLocation", args[2] + "/checkpoint")
                .trigger(Trigger.ProcessingTime(Long.parseLong(args[4])))
                .start(args[2] + "/table")
                .awaitTermination();
    }
}
