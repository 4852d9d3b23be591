"""The catalogue of a made-up school, for a first look at a simulator that would otherwise be empty."""

from b2b_cli.simulator import catalogue
from b2b_cli.simulator.site import Site

_WELCOME = ("Getting started", ("Welcome", "How this course works"))

_COURSES: tuple[tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "Workplace Safety Essentials",
        "49.0",
        (_WELCOME, ("Hazards", ("Spotting hazards", "Reporting hazards")), ("Certificate", ("Final quiz",))),
    ),
    (
        "Fire Warden Training",
        "79.0",
        (_WELCOME, ("Before a fire", ("Escape routes", "Extinguishers")), ("During a fire", ("Evacuation",))),
    ),
    ("First Aid at Work", "95.0", (_WELCOME, ("Basics", ("Recovery position", "Bleeding", "Burns")))),
    ("Manual Handling", "29.0", (_WELCOME, ("Lifting", ("Before you lift", "Team lifts")))),
    ("Data Protection for Teams", "39.0", (_WELCOME, ("The law in an hour", ("Principles", "Breaches")))),
    ("Leading Your First Team", "149.0", (_WELCOME, ("From peer to lead", ("Delegation", "Feedback")))),
    ("Difficult Conversations", "89.0", (_WELCOME, ("Preparing", ("Facts and feelings",)))),
    ("Induction for New Starters", "0.0", (_WELCOME, ("Your first week", ("Who is who", "Where to ask")))),
)

_BUNDLES = (
    ("Site Safety Pack", "149.0", ("Workplace Safety Essentials", "Fire Warden Training", "Manual Handling")),
    ("New Manager Pack", "199.0", ("Leading Your First Team", "Difficult Conversations")),
    ("Complete Compliance Library", "399.0", tuple(name for name, _, _ in _COURSES[:7])),
)


def add_demo_catalogue(site: Site) -> None:
    """Adds the catalogue, unless the school sells something already."""
    with site.store.transaction():
        if site.store.scalar("select count(*) from products"):
            return
        now = site.clock.now()
        course_ids = {}
        for name, price, chapters in _COURSES:
            course_ids[name] = catalogue.add_course(site.store, name, chapters=chapters)
            catalogue.add_product(site.store, name, "Course", course_ids[name], now, price=price)
        for name, price, courses in _BUNDLES:
            bundle_id = catalogue.add_bundle(site.store, name, [course_ids[course] for course in courses])
            catalogue.add_product(site.store, name, "Bundle", bundle_id, now, price=price)
