# The workflow lies in workflow/; its default target is that of a call without one, too.
include: "workflow/Snakefile"


workflow.default_target = "all"
