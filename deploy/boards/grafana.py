"""Makes of a board what Grafana reads."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Threshold,
    VariableHide,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.boards.panels import COLUMNS, HEIGHT, PIPELINE, TABLE, Board, Panel, laid_out

RUNBOOKS = "https://git.example.com/headrace/blob/main/deploy/runbooks"
"""Where runbooks lie, until somebody says it in the board's field."""

_SOURCE = DataSourceRef("prometheus", "${datasource}")
_ANY = VariableOption(text="All", value="$__all")
_Builder = timeseries.Panel | stat.Panel | statetimeline.Panel | table.Panel


def to_json(board: Board) -> str:
    """The board as a file, always the same for the same board."""
    return JSONEncoder(sort_keys=True, indent=2).encode(_dashboard(board)) + "\n"


def _dashboard(board: Board) -> object:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.says)
        .tags(["headrace"])
        .readonly()
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Headrace")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["headrace"])
            .keep_time(True)
            .include_vars(True)
        )
    )
    for variable in _variables():
        made.with_variable(variable)
    if board.merges:
        made.annotation(_merges())
    for number, (each, left, top) in enumerate(laid_out(board), 1):
        if isinstance(each, Panel):
            place = GridPos(h=HEIGHT, w=each.width, x=left, y=top)
            made.with_panel(_panel(each).id(number).grid_pos(place))
        else:
            made.with_row(dashboard.Row(each.title).id(number).grid_pos(GridPos(h=1, w=COLUMNS, x=0, y=top)))
    return made.build()


def _variables() -> Iterator[dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable]:
    yield dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    yield _choice("namespace", "label_values(headrace_build_info, namespace)").label("Pipeline")
    known = f'{{__name__=~"headrace_table_version|headrace_config_info",{PIPELINE}}}'
    yield _choice("table", f"label_values({known}, table)").label("Table")
    lagging = (
        f'{{__name__=~"headrace_table_source_lag_records|headrace_partition_watermark_timestamp_seconds",{TABLE}}}'
    )
    yield _choice("topic", f"label_values({lagging}, topic)").hide(VariableHide.HIDE_VARIABLE)
    yield dashboard.TextBoxVariable("runbooks").label("Runbooks at").default_value(RUNBOOKS)


def _choice(name: str, query: str) -> dashboard.QueryVariable:
    made = dashboard.QueryVariable(name).datasource(_SOURCE).query(query).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.multi(True).include_all(True).all_value(".*").current(_ANY)


def _merges() -> dashboard.AnnotationQuery:
    ran = f"sum by (table, operation) (increase(headrace_maintenance_runs_total{{{TABLE}}}[1m])) > 0"
    made = dashboard.AnnotationQuery().name("Maintenance").datasource(_SOURCE).enable(True).icon_color("blue")
    return made.expr(ran).title_format("{{operation}} of {{table}}").step("60s")


def _panel(panel: Panel) -> _Builder:
    made = _drawn(panel)
    made.title(panel.title).description(panel.says).datasource(_SOURCE).unit(panel.unit)
    steps = [
        Threshold(value=None, color="green"),
        *(Threshold(value=value, color=color) for value, color in panel.steps),
    ]
    made.thresholds(dashboard.ThresholdsConfig().steps(steps))
    links = [
        dashboard.DashboardLink(f"Runbook of {name}")
        .type(DashboardLinkType.LINK)
        .url(f"${{runbooks}}/Headrace{name}.md")
        .target_blank(True)
        for name in panel.alerts
    ]
    if links:
        made.links([*links])
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        asked = prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend).datasource(_SOURCE)
        if panel.kind == "list":
            asked.instant().format(PromQueryFormat.TABLE)
        else:
            asked.range().exemplar("_duration_seconds_bucket" in query.expr)
        made.with_target(asked)
    return made


def _drawn(panel: Panel) -> _Builder:
    match panel.kind:
        case "number":
            newest = common.ReduceDataOptions().calcs(["lastNotNull"])
            return stat.Panel().reduce_options(newest).no_value("none")
        case "states":
            return statetimeline.Panel().legend(_legend())
        case "list":
            return table.Panel()
    made = timeseries.Panel().legend(_legend()).min(0)
    if panel.kind == "stack":
        return made.fill_opacity(30).stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if panel.steps:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    return made.fill_opacity(5)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
