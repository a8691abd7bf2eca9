"""Maps of scenes with forests of the version."""

MAPS = [
    f"{PLACES.exports}/{paths.place(paths.MAP, release=about.release, name=name, layer=layer)}"
    for name, about in SELECTION.configuration.maps.items()
    for layer in (
        "classes",
        "probability",
        "margin",
        *(["applicability"] if about.applicability else []),
    )
]


rule map:
    """Classify a Sentinel-2 scene with a forest of the version."""
    input:
        scene=lambda wildcards: SELECTION.configuration.maps[wildcards.name].scene,
        radar=lambda wildcards: SELECTION.configuration.maps[wildcards.name].radar or [],
        version=lambda wildcards: holding.unsealed(PLACES, paths.MANIFEST),
    output:
        **{
            layer: f"{PLACES.exports}/{paths.MAP.replace('{layer}', layer)}"
            for layer in ("classes", "probability", "margin")
        },
    log:
        "<logs>/map/{release}/{name}.log",
    benchmark:
        "<benchmarks>/map/{release}/{name}.tsv"
    wildcard_constraints:
        name=listing(SELECTION.configuration.maps),
    threads: WIRING.threads_of("map")
    resources:
        mem_mb=WIRING.memory_of("map"),
        runtime=WIRING.runtime_of("map"),
    params:
        code=WIRING.code_of("map", dataset=True),
        version=PLACES.results,
        settings=WIRING.map_flags,
    message:
        "Map {wildcards.name} with a forest of {wildcards.release}"
    shell:
        "sentinel-forest map --version {params.version} {params.settings} --threads {threads}"
        " --output {output.classes} --probability {output.probability} --margin {output.margin} >{log} 2>&1"


rule map_applicability:
    """Tell how far each pixel of a scene lies from the training data of a forest of the version."""
    input:
        scene=lambda wildcards: SELECTION.configuration.maps[wildcards.name].scene,
        radar=lambda wildcards: SELECTION.configuration.maps[wildcards.name].radar or [],
        version=lambda wildcards: holding.unsealed(PLACES, paths.MANIFEST),
    output:
        f"{PLACES.exports}/{paths.MAP.replace('{layer}', 'applicability')}",
    log:
        "<logs>/map_applicability/{release}/{name}.log",
    benchmark:
        "<benchmarks>/map_applicability/{release}/{name}.tsv"
    wildcard_constraints:
        name=listing(SELECTION.configuration.maps),
    threads: WIRING.threads_of("map")
    resources:
        mem_mb=WIRING.memory_of("map"),
        runtime=WIRING.runtime_of("map"),
    params:
        code=WIRING.code_of("map", dataset=True),
        version=PLACES.results,
        settings=WIRING.map_flags,
        samples=lambda wildcards: flags(
            samples=SELECTION.configuration.maps[wildcards.name].applicability
        ),
    message:
        "Map {wildcards.name}: how far pixels lie from the training data"
    shell:
        "sentinel-forest map --version {params.version} {params.settings} {params.samples} --threads {threads}"
        " --applicability {output} >{log} 2>&1"
