"""What pyproject.toml cannot say: the models of ``resources/models`` become ``rnamarks/shipped`` of a wheel."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path("resources/models")


class BuildWithModels(build_py):
    """Copy the shipped models beside the modules; an editable install finds them where they are."""

    def run(self) -> None:
        super().run()
        for source, target in self._models():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return super().get_outputs(include_bytecode) + [str(target) for _, target in self._models()]

    def _models(self) -> list[tuple[Path, Path]]:
        if self.editable_mode:
            return []
        folder = Path(self.build_lib, "rnamarks", "shipped")
        files = (path for path in sorted(MODELS.glob("*/*")) if path.is_file())
        return [(path, folder / path.relative_to(MODELS)) for path in files]


setup(cmdclass={"build_py": BuildWithModels})
