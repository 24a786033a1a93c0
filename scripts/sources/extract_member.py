from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sources.members import extract_member, reference_of

    archive, wanted = reference_of(snakemake.wildcards.archive, snakemake.wildcards.member)
    print(extract_member(archive, wanted, snakemake.output.file))
