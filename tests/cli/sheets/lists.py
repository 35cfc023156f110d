"""Lists of people as desks of several countries have them, made from common names under a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final


def _words(text: str) -> list[str]:
    return text.split(" ")


_SURNAMES: Final = {
    "zh": (
        "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁"
        "魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎"
        "易常武乔贺赖龚文"
    ),
    "tw": (
        "陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周徐蘇葉莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余盧梁趙顏柯"
        "翁魏孫戴范方宋鄧杜傅侯曹薛丁卓馬阮董唐溫藍石蔣田康鄒白涂尤巫韓龔嚴袁"
    ),
    "jp": _words(
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 "
        "清水 山崎 森 池田 橋本 阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 "
        "青木 坂本 斉藤 福田 太田 西村 藤井 金子 岡本 藤原 中野 三浦"
    ),
    "west": _words(
        "Müller Schröder Köhler Krämer Günther Weiß Schäfer Jürgens Hernández García Muñoz Núñez López "
        "Lefèvre Béranger Côté Dupré Gómez Sørensen Ångström Øverland Smith Jones Brown Weber Wagner "
        "Becker Martin Bernard Rossi Conti Silva Gonçalves Araújo"
    ),
}
_GIVEN: Final = {
    "zh": (
        "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华建国志文海波红玉梅辉鹏飞宇浩欣怡子涵雨轩梓"
        "琪思佳俊凯婷雪琳晨阳春生金龙凤云山新东南家豪嘉慧晓光永健宁斌"
    ),
    "tw": (
        "家豪志明俊傑建宏淑芬美玲雅婷怡君宗翰冠宇承恩品妍詠晴雅惠麗華秀英文雄國榮玉蘭正義信宏佳穎欣怡"
        "彥廷柏翰子軒宥翔詩涵郁婷瑞鳳春嬌阿義進財"
    ),
    "jp": _words(
        "翔太 大輔 健一 美咲 さくら 陽子 裕子 健太 拓也 直樹 久美子 恵子 愛 蓮 結衣 ゆい 美穂 智子 和也 "
        "浩 翼 彩 舞 花子 太郎 ユキ アヤ まゆみ"
    ),
    "west": _words(
        "André Zoë Renée José María Jürgen Käthe Björn Søren François Inês João Anna Peter Paul Laura "
        "Sarah Thomas Julia Chloë Noël Elena"
    ),
}
_CITIES: Final = {
    "zh": _words("北京 上海 广州 深圳 杭州 成都 武汉 南京 重庆 西安 苏州 天津 长沙 郑州 东莞 青岛 沈阳 宁波 昆明 合肥"),
    "tw": _words("台北市 新北市 桃園市 台中市 台南市 高雄市 基隆市 新竹市 嘉義縣 宜蘭縣 花蓮縣 屏東縣"),
    "jp": _words("東京都 大阪府 北海道 京都府 愛知県 神奈川県 福岡県 埼玉県 千葉県 兵庫県 さいたま市 横浜市"),
    "west": _words(
        "München Köln Düsseldorf Málaga Córdoba Orléans Liège Göteborg Århus Berlin London Paris Madrid Lyon"
    ),
}
HEADERS: Final = {
    "zh": ("手机", "姓名", "城市"),
    "tw": ("手機", "姓名", "城市"),
    "jp": ("電話番号", "氏名", "都道府県"),
    "west": ("phone", "name", "city"),
}
ENCODINGS: Final = {
    "zh": ("utf-8", "utf-16", "gbk", "gb18030"),
    "tw": ("utf-8", "utf-16", "big5"),
    "jp": ("utf-8", "utf-16", "shift_jis"),
    "west": ("utf-8", "utf-16", "cp1252"),
}


def people(kind: str, rows: int, seed: int, *, header: bool = True, city: bool = True) -> str:
    """A CSV file as text: a phone number, a name and perhaps a city; `kind` is of `HEADERS`."""
    rng = random.Random(f"{kind}/{rows}/{seed}")
    lines = [HEADERS[kind] if header else ("phone", "name", "city")]
    lines += [(f"13{rng.randrange(10**9):09d}", _name(kind, rng), rng.choice(_CITIES[kind])) for _ in range(rows)]
    return "".join(",".join(line[: 3 if city else 2]) + "\r\n" for line in lines)


def _name(kind: str, rng: random.Random) -> str:
    surname, given = rng.choice(_SURNAMES[kind]), _GIVEN[kind]
    if kind == "west":
        return f"{rng.choice(given)} {surname}"
    if kind == "jp":
        return f"{surname}　{rng.choice(given)}"
    return surname + "".join(_letters(given, rng))


def _letters(given: Sequence[str], rng: random.Random) -> list[str]:
    return [rng.choice(given) for _ in range(rng.choice((1, 2, 2)))]
