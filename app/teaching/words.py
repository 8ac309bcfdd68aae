"""The words of the pages that are written in two languages: what a template says of its own, by language.

Lessons have files of their own (app/templates/lessons); what a family declares stays in the words of its declaration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from models import ScoreKind, Symptom


class Language(StrEnum):
    """A language that lessons are written in; the value is what an attribute `lang` says of it."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def own_name(self) -> str:
        """What its readers call it."""
        return _TITLES[self]

    @property
    def tag(self) -> str:
        """The full tag of what is written here: simplified characters."""
        return {"en": "en", "zh": "zh-Hans"}[self]


_TITLES = {Language.ENGLISH: "English", Language.CHINESE: "中文"}


@dataclass(frozen=True, slots=True)
class Words:
    """What pages say. Texts with braces are filled in by `format`.

    page_names: of the header, by path; endpoints: of the footer, by their place in the documentation. metrics: those
    not called by their own title. losses, afterwards: terms of a loss, and what follows a step, by the names that code
    has for them, where these are no words.
    """

    of: Language
    skip: str
    pages: str
    page_names: Mapping[str, str]
    made_of_api: str
    api: str
    how_programs_ask: str
    endpoints: Mapping[str, str]
    learn: str
    lead: str
    what_it_is: str
    collapse: str
    loss: str
    good: str
    map: str
    map_description: str
    families: str
    language: str
    by: str
    idea: str
    game: str
    game_hint: str
    drawing: str
    drawing_hint: str
    formula: str
    trouble: str
    symptom: str
    remedy: str
    usual_remedy: str
    mends: str
    try_it: str
    results: str
    results_hint: str
    no_results: str
    real_pictures: str
    presets: str
    preset: str
    preset_hint: str
    ranking: str
    batch: str
    images: str
    averaging: str
    none: str
    hyperparameters: str
    hyperparameter_hint: str
    name: str
    meaning: str
    range: str
    controls: str
    controls_hint: str
    deviations: str
    deviations_hint: str
    no_lesson: str
    paper: str
    source: str
    source_of: str
    train: str
    draw: str
    back: str
    is_fed: str
    learns: str
    comma: str
    updates: str
    weights: str
    then: str
    mixed: str
    picture: str
    loss_of: str
    units: Sequence[tuple[int, str]]
    symptoms: Mapping[Symptom, str]
    scores: Mapping[ScoreKind, str]
    metrics: Mapping[str, str]
    terms: Mapping[str, str]
    losses: Mapping[str, str]
    afterwards: Mapping[str, str]

    def translate(self, text: str) -> str:
        """Return what a declaration says, in this language where that is known; else as it is, in English."""
        return read_declared(self.of).get(text, text)

    def mark(self, text: str) -> Markup:
        """Return the attribute of an element that shows it: nothing, or that the text is English."""
        is_known = self.of is Language.ENGLISH or text in read_declared(self.of)
        return Markup("") if is_known else Markup(' lang="en"')

    def shorten(self, count: int) -> str:
        """Return a number in three digits and a unit: 6.63 M."""
        for size, unit in self.units:
            if count >= size:
                return f"{count / size:.3g} {unit}"
        return str(count)

    def term(self, name: str) -> str:
        """Return the word for a network, a player's move or a row of formulas; the name itself where there is none."""
        base, _, number = name.rpartition("_")
        if number.isdigit() and base in self.terms:
            return f"{self.terms[base]} {number}"
        return self.terms.get(name, name.replace("_", " "))

    def loss_term(self, name: str) -> str:
        """Return the words for a term of a loss."""
        return self.losses.get(name, name.replace("_", " "))

    def afterward(self, name: str) -> str:
        """Return the words for what follows a step."""
        return self.afterwards.get(name, name.replace("_", " "))


@cache
def read_declared(language: Language) -> Mapping[str, str]:
    """Return the translations of what families declare, and their docstrings say of the paper. None into English."""
    file = Path(__file__).parents[1] / "templates" / "lessons" / language / "declared.json"
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return MappingProxyType(found)


ENGLISH = Words(
    of=Language.ENGLISH,
    skip="Skip to the content",
    pages="Pages",
    page_names=MappingProxyType({}),
    made_of_api="Every page is made of the {api}: what it shows can be asked for by a program.",
    api="API",
    how_programs_ask="How a program asks",
    endpoints=MappingProxyType(
        {
            "checkpoints": "checkpoints",
            "zoo": "families",
            "jobs": "trainings",
            "quality": "ranking",
            "pages": "refusals",
        }
    ),
    learn="Learn",
    lead="What a GAN is, what goes wrong with it, and how each family of the zoo mends a fault of another.",
    what_it_is="A game of forger and detective",
    collapse="Mode collapse",
    loss="Why the loss tells little",
    good="What makes a GAN good",
    map="The map of the families",
    map_description="The families; an arrow leads from one to another that mends a fault of it",
    families="The families",
    language="Language",
    by="{authors}, {year}",
    idea="The idea",
    game="The game",
    game_hint="Drawn from the code: what flows where when the family's own losses run once, in its default preset.",
    drawing="To draw a picture",
    drawing_hint="After the training, this is all that is needed.",
    formula="The formula",
    trouble="What can go wrong",
    symptom="What you see",
    remedy="What to do",
    usual_remedy="no fault in this family",
    mends="Whose fault it mends",
    try_it="Try it",
    results="What it reached here",
    results_hint="After {budget} pictures of MNIST, one training each, {count} drawn pictures judged. Small "
    "differences mean nothing; a method may want a longer budget than this.",
    no_results="It has not been measured at an equal budget yet.",
    real_pictures="real pictures",
    presets="Presets",
    preset="preset",
    ranking="Trainings of your own, in the ranking",
    preset_hint="A preset is a recipe: hyperparameters, and the budget they are meant for. The first is the default.",
    batch="batch",
    images="pictures",
    averaging="half-life of the average",
    none="none",
    hyperparameters="Hyperparameters",
    hyperparameter_hint="What the paper leaves to choose, with the values of each preset.",
    name="name",
    meaning="meaning",
    range="range",
    controls="What a picture can be asked for by",
    controls_hint="Parameters of `GET /generate` beside class and seed.",
    deviations="Where our code differs from the paper",
    deviations_hint="In the words of the source file.",
    no_lesson="Nobody has written a lesson on this family yet. This is what its source file says.",
    paper="The paper",
    source="The source file",
    source_of="The source of {name}",
    train="Train it",
    draw="Draw with it",
    back="All families",
    is_fed="{name} sees {feeds}",
    learns="{name}: {terms}",
    comma=", ",
    updates="updates {names}",
    weights="{count} weights",
    then="then {name}",
    mixed="combined",
    picture="picture",
    loss_of="loss of the {name}",
    units=((10**6, "M"), (10**3, "k")),
    symptoms=MappingProxyType(
        {
            Symptom.DIVERGED: "A loss or a weight is no number any more",
            Symptom.DEAD: "One picture whatever the noise",
            Symptom.UNIFORM: "The pictures lose their variety",
            Symptom.MISSING_CLASSES: "Some classes are never drawn",
            Symptom.SATURATED: "The discriminator is sure of every picture",
        }
    ),
    scores=MappingProxyType(
        {
            ScoreKind.LOGIT: "logit",
            ScoreKind.CRITIC: "score",
            ScoreKind.ENERGY: "energy",
            ScoreKind.REGRESSION: "mark",
        }
    ),
    metrics=MappingProxyType({}),
    terms=MappingProxyType(
        {
            "noise": "noise",
            "label": "label",
            "real": "real pictures",
            "generator": "generator",
            "discriminator": "discriminator",
            "critic": "critic",
            "encoder": "encoder",
            "autoencoder": "autoencoder",
            "balance": "balance",
            "both": "both networks",
            "minimax": "generator, minimax",
            "source": "source",
            "class": "class",
            "output": "output",
            "information": "information",
            "pyramid": "pyramid",
            "drawing": "drawing",
            "energy": "energy",
            "pulling_away": "pulling-away term",
            "error": "error",
            "convergence": "convergence",
            "clipping": "clipping",
            "between": "points between",
            "around": "points around",
            "latent": "latent",
            "divergence": "divergence",
        }
    ),
    losses=MappingProxyType({"non_saturating": "non-saturating", "wasserstein": "Wasserstein"}),
    afterwards=MappingProxyType({}),
)

CHINESE = Words(
    of=Language.CHINESE,
    skip="跳到正文",
    pages="页面",
    page_names=MappingProxyType(
        {
            "/": "生成",
            "/explore": "探索",
            "/gallery": "图库",
            "/train": "训练",
            "/watch": "观察",
            "/learn": "学习",
            "/ranking": "排行",
            "/docs": "API",
        }
    ),
    made_of_api="每个页面都由 {api} 构成：页面上显示的，程序都能查询到。",
    api="API",
    how_programs_ask="程序怎样查询",
    endpoints=MappingProxyType(
        {
            "checkpoints": "检查点",
            "zoo": "模型",
            "jobs": "训练",
            "quality": "排行",
            "pages": "拒绝的原因",
        }
    ),
    learn="学习",
    lead="什么是 GAN，它会出什么问题，各个模型又怎样弥补彼此的不足。",
    what_it_is="伪造者与侦探的博弈",
    collapse="模式崩溃",
    loss="为什么损失值说明不了什么",
    good="怎样才算好的 GAN",
    map="模型关系图",
    map_description="各个模型；箭头从一个模型指向弥补其不足的另一个模型",
    families="所有模型",
    language="语言",
    by="{authors}，{year} 年",
    idea="思想",
    game="博弈图",
    game_hint="此图由代码生成：把该模型自己的损失（默认预设）运行一次，数据就是这样流动的。",
    drawing="生成图片",
    drawing_hint="训练结束后，只需要这些。",
    formula="公式",
    trouble="可能出现的问题",
    symptom="现象",
    remedy="对策",
    usual_remedy="对这个模型来说不是毛病",
    mends="弥补了谁的不足",
    try_it="动手试试",
    results="在这里的结果",
    results_hint="各训练一次，判别器看过 {budget} 张 MNIST 图片，再评价 {count} 张生成的图片。"
    "微小的差别没有意义；有的方法需要比这更多的训练。",
    no_results="还没有在相同训练量下测量过。",
    real_pictures="真实图片",
    presets="预设",
    preset="预设",
    ranking="排行榜：你自己的训练",
    preset_hint="预设是一份配方：一组超参数，以及与之相配的训练量。第一个是默认值。",
    batch="批大小",
    images="图片数",
    averaging="滑动平均的半衰期",
    none="无",
    hyperparameters="超参数",
    hyperparameter_hint="论文留待选择的量，以及各个预设的取值。",
    name="名称",
    meaning="含义",
    range="取值范围",
    controls="还可以指定什么",
    controls_hint="`GET /generate` 在类别和种子之外的参数。",
    deviations="我们的代码与论文的不同之处",
    deviations_hint="译自源文件。",
    no_lesson="还没有人为这个模型写课程。以下是源文件中的说明（英文）。",
    paper="论文",
    source="源文件",
    source_of="{name} 的源代码",
    train="训练它",
    draw="用它生成图片",
    back="所有模型",
    is_fed="{name}的输入是{feeds}",
    learns="{name}：{terms}",
    comma="、",
    updates="更新{names}",
    weights="{count} 个权重",
    then="然后{name}",
    mixed="合并",
    picture="图片",
    loss_of="{name}的损失",
    units=((10**4, "万"),),
    symptoms=MappingProxyType(
        {
            Symptom.DIVERGED: "损失或权重不再是有限的数",
            Symptom.DEAD: "无论噪声如何都画同一张图",
            Symptom.UNIFORM: "图片失去多样性",
            Symptom.MISSING_CLASSES: "有些类别从不出现",
            Symptom.SATURATED: "判别器对每张图都确信无疑",
        }
    ),
    scores=MappingProxyType(
        {
            ScoreKind.LOGIT: "logit",
            ScoreKind.CRITIC: "分数",
            ScoreKind.ENERGY: "能量",
            ScoreKind.REGRESSION: "评分",
        }
    ),
    metrics=MappingProxyType(
        {
            "fd": "FD",
            "kid": "KID",
            "fid": "FID",
            "pairwise_distance": "两两距离",
            "precision": "精确率",
            "recall": "召回率",
            "density": "密度",
            "coverage": "覆盖率",
            "nearest_training_picture": "到最近训练图片的距离",
            "label_accuracy": "标签准确率",
            "gan_test": "GAN-test 准确率",
            "classes_covered": "覆盖的类别",
            "modes_covered": "覆盖的模式",
            "classes_kl": "类别的 KL 散度",
            "class_variance": "类内方差",
            "sharpness": "清晰度",
            "gan_train": "GAN-train 准确率",
        }
    ),
    terms=MappingProxyType(
        {
            "noise": "噪声",
            "label": "标签",
            "real": "真实图片",
            "generator": "生成器",
            "discriminator": "判别器",
            "critic": "评论家",
            "encoder": "编码器",
            "autoencoder": "自编码器",
            "balance": "平衡",
            "both": "两个网络",
            "minimax": "生成器（极小极大）",
            "source": "来源",
            "class": "类别",
            "output": "输出",
            "information": "信息",
            "pyramid": "金字塔",
            "drawing": "画图",
            "energy": "能量",
            "pulling_away": "推开项",
            "error": "误差",
            "convergence": "收敛度量",
            "clipping": "裁剪",
            "between": "中间的点",
            "around": "周围的点",
            "latent": "潜变量",
            "divergence": "散度",
        }
    ),
    losses=MappingProxyType(
        {
            "class": "类别",
            "class_fake": "假图的类别",
            "class_real": "真图的类别",
            "energy": "能量",
            "error": "误差",
            "error_gap": "误差之差",
            "fake": "假图",
            "information_categorical": "类别编码的信息",
            "information_continuous": "连续编码的信息",
            "least_squares": "最小二乘",
            "negative_bound": "下界的相反数",
            "non_saturating": "非饱和",
            "penalty": "惩罚",
            "real": "真图",
            "wasserstein": "Wasserstein",
        }
    ),
    afterwards=MappingProxyType(
        {
            "clip_weights": "裁剪权重",
            "remember_real_error": "记下真图的误差",
            "update_balance": "更新平衡",
        }
    ),
)

WORDS: Mapping[Language, Words] = MappingProxyType({Language.ENGLISH: ENGLISH, Language.CHINESE: CHINESE})
