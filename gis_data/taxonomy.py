"""Incident classes and types, and the two rules that hold for ever.

Rule 1: hotspots, zones, routes, forecasts and cameras use incidents that residents reported; what patrols
discovered and whom they caught appears only in the scorecard (``drives_allocation``).
Rule 2: fraud, family violence, sexual offences, crises and mass incidents never become a point, a cell or a
workload (``NEVER_A_PLACE``). DOMAIN 2.3.
"""

import geopandas as gpd
import pandas as pd

CLASSES: dict[str, str] = {
    "criminal": "刑事警情",
    "public_order": "治安警情",
    "dispute": "纠纷警情",
    "traffic": "交通警情",
    "fire_rescue": "火警抢险",
    "help": "群众求助",
    "social_link": "社会联动",
    "mass": "群体性事件",
    "accident": "灾害事故",
    "tip": "举报投诉",
    "invalid": "无效警情",
}

TYPES: dict[str, tuple[str, str]] = {
    # type: (class it belongs to unless the file says otherwise, Chinese name)
    "theft": ("criminal", "盗窃"),
    "burglary": ("criminal", "入室盗窃"),
    "vehicle_theft": ("criminal", "盗窃机动车"),
    "ebike_theft": ("criminal", "盗窃电动车"),
    "theft_from_vehicle": ("criminal", "盗窃车内财物"),
    "pickpocketing": ("criminal", "扒窃"),
    "farm_theft": ("criminal", "涉农盗窃"),
    "cable_theft": ("criminal", "盗窃电力设施"),
    "robbery": ("criminal", "抢劫"),
    "snatch": ("criminal", "抢夺"),
    "homicide": ("criminal", "杀人"),
    "injury": ("criminal", "伤害"),
    "sexual_offence": ("criminal", "性侵案件"),
    "fraud": ("criminal", "诈骗"),
    "telecom_fraud": ("criminal", "电信网络诈骗"),
    "extortion": ("criminal", "敲诈勒索"),
    "arson": ("criminal", "纵火"),
    "drugs": ("criminal", "涉毒"),
    "weapons": ("criminal", "涉枪涉爆"),
    "other_criminal": ("criminal", "其他刑事"),
    "assault": ("public_order", "打架斗殴"),
    "disorder": ("public_order", "寻衅滋事"),
    "criminal_damage": ("public_order", "故意损毁财物"),
    "domestic_violence": ("public_order", "家庭暴力"),
    "gambling": ("public_order", "赌博"),
    "minor_theft": ("public_order", "盗窃（治安）"),
    "minor_fraud": ("public_order", "诈骗（治安）"),
    "trespass": ("public_order", "非法侵入住宅"),
    "other_po": ("public_order", "其他治安"),
    "neighbour": ("dispute", "邻里纠纷"),
    "family": ("dispute", "婚姻家庭纠纷"),
    "land": ("dispute", "土地纠纷"),
    "debt": ("dispute", "债务纠纷"),
    "labour": ("dispute", "劳资纠纷"),
    "consumer": ("dispute", "消费纠纷"),
    "water": ("dispute", "浇水纠纷"),
    "other_dispute": ("dispute", "其他纠纷"),
    "crash": ("traffic", "交通事故"),
    "violation": ("traffic", "交通违法"),
    "hit_run": ("traffic", "交通逃逸"),
    "congestion": ("traffic", "交通拥堵"),
    "other_traffic": ("traffic", "其他交通"),
    "fire": ("fire_rescue", "火灾"),
    "rescue": ("fire_rescue", "抢险救援"),
    "straw_burning": ("fire_rescue", "秸秆火情"),
    "lost_person": ("help", "走失"),
    "lost_item": ("help", "失物"),
    "lockout": ("help", "开锁"),
    "water_danger": ("help", "溺水"),
    "utility": ("help", "水电气热"),
    "medical": ("help", "危急病人"),
    "crisis": ("help", "自杀警情"),
    "other_help": ("help", "其他求助"),
    "noise": ("social_link", "噪音"),
    "city_mgmt": ("social_link", "城管"),
    "labour_sec": ("social_link", "劳动保障"),
    "env": ("social_link", "环保"),
    "other_link": ("social_link", "其他联动"),
    "mass": ("mass", "群体性事件"),
    "work_safety": ("accident", "生产安全"),
    "hazmat": ("accident", "危化"),
    "food": ("accident", "食物中毒"),
    "natural": ("accident", "自然灾害"),
    "tip": ("tip", "举报线索"),
    "complaint": ("tip", "投诉"),
    "invalid": ("invalid", "无效"),
    "consult": ("invalid", "咨询"),
    "other": ("invalid", "其他"),
}

NEVER_A_PLACE = frozenset(
    {"fraud", "telecom_fraud", "minor_fraud", "domestic_violence", "sexual_offence", "crisis", "mass"}
)
LEFT_OUT_CLASSES = frozenset({"mass", "social_link", "tip", "invalid"})
PREVENTABLE = frozenset(
    {
        "theft", "burglary", "vehicle_theft", "ebike_theft", "theft_from_vehicle", "pickpocketing", "farm_theft",
        "cable_theft", "robbery", "snatch", "minor_theft", "criminal_damage", "assault", "disorder",
    }
)  # fmt: skip

USABLE_POINT = ("exact", "road")


def has_a_place(incidents: pd.DataFrame) -> pd.Series:
    """Tell which incidents may be tied to a place at all (rule 2)."""
    banned = incidents["type"].isin(NEVER_A_PLACE) | incidents["incident_class"].isin(LEFT_OUT_CLASSES)
    return ~banned


def drives_allocation(incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the incidents that may move patrols and cameras: reported by residents, with a place (rules 1, 2).

    Arrest counts are blanked, so that nothing downstream can use them by mistake.
    """
    kept = incidents[(incidents["origin"] == "reported") & has_a_place(incidents)]
    return kept.assign(caught_count=0)


def with_point(incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the incidents whose point is good enough to be clustered or drawn (``precision`` exact or road)."""
    return incidents[incidents["precision"].isin(USABLE_POINT) & ~incidents.geometry.is_empty]
