"""Decides how a page of the help looks: Markdown in the colours of the theme, its pictures as wide as there is room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QImage,
    QPalette,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser, QWidget

from app.help.pages import folder, text_of
from app.theme import SPACE, tokens

LINE_HEIGHT = 130.0  # per cent of what the font asks for
_HEADING_SIZES = {1: 1.7, 2: 1.3, 3: 1.1}
_MARGIN = 3 * SPACE
_DRAW_AGAIN_MS = 120


class PageView(QTextBrowser):
    """Shows one page; links are told by `anchorClicked` and not followed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setAccessibleName("Page")
        self._name = ""
        self._wide = 0  # px there were for pictures when the page was drawn
        self._again = QTimer(self, singleShot=True, interval=_DRAW_AGAIN_MS)
        self._again.timeout.connect(self._fit_pictures)

    @property
    def name(self) -> str:
        return self._name

    def show_page(self, name: str, heading: str = "") -> None:
        """Shows the page of this name, from the heading of this anchor on. Raises ResourceError without pages."""
        text = text_of(name)
        self._name, self._wide = name, self._room()
        self.document().setDocumentMargin(_MARGIN)
        self.document().setBaseUrl(QUrl.fromLocalFile(f"{folder()}/"))
        self.document().setMarkdown(text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
        self.moveCursor(QTextCursor.MoveOperation.Start)  # it went along to the end
        self._dress()
        self.show_heading(heading)

    def show_heading(self, anchor: str) -> None:
        """Scrolls to a heading by its anchor as on GitHub; to the top when there is none of that name."""
        block = self.document().begin()
        while block.isValid() and not (block.blockFormat().headingLevel() and anchor_of(block.text()) == anchor):
            block = block.next()
        top = 0
        if block.isValid():
            top = round(self.document().documentLayout().blockBoundingRect(block).top()) - SPACE
        self.verticalScrollBar().setValue(top)

    def loadResource(self, kind: int, url: QUrl | str) -> Any:
        """A picture no wider than there is room, and sharp on screens of any density."""
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, url)
        asked = QUrl(url)
        path = Path((asked if asked.isLocalFile() else self.document().baseUrl().resolved(asked)).toLocalFile())
        image = QImage(str(path))
        ratio = self.devicePixelRatioF()
        if not image.isNull() and image.width() > self._wide * ratio:
            image = image.scaledToWidth(round(self._wide * ratio), Qt.TransformationMode.SmoothTransformation)
            image.setDevicePixelRatio(ratio)
        return image

    # -- following --------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._name and self._room() != self._wide:
            self._again.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._name:
            self._again.start()

    def _fit_pictures(self) -> None:
        """The page anew, where it was scrolled to."""
        bar = self.verticalScrollBar()
        share = bar.value() / max(1, bar.maximum())
        self.show_page(self._name)
        bar.setValue(round(share * bar.maximum()))

    def _room(self) -> int:
        return max(64, self.viewport().width() - 2 * _MARGIN)

    # -- dressing ---------------------------------------------------------------------------------

    def _dress(self) -> None:
        block = self.document().begin()
        while block.isValid():
            self._dress_block(block)
            block = block.next()
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                _dress_table(frame)

    def _dress_block(self, block: QTextBlock) -> None:
        form, cursor = block.blockFormat(), QTextCursor(block)
        level, is_code = form.headingLevel(), form.hasProperty(QTextFormat.Property.BlockCodeFence.value)
        in_table = QTextCursor(block).currentTable() is not None
        if is_code:
            form.setBackground(QColor(tokens().window))
            form.setNonBreakableLines(False)
            form.setTopMargin(0 if _is_same_code(block, block.previous()) else SPACE)
            form.setBottomMargin(0 if _is_same_code(block, block.next()) else SPACE)
        elif block.text().strip("\ufffc"):  # a picture alone stands on a line of its own height
            form.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if level:
            form.setTopMargin(2 * SPACE if level > 1 else 0)
            form.setBottomMargin(SPACE)
        elif not in_table and not is_code:
            form.setBottomMargin(SPACE / 2 if block.textList() is not None else SPACE)
        cursor.setBlockFormat(form)
        if level:
            self._dress_heading(block, level)
        if not is_code:
            self._dress_words(block)

    def _dress_heading(self, block: QTextBlock, level: int) -> None:
        cursor = QTextCursor(block)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        large = cursor.charFormat()
        large.clearProperty(QTextFormat.Property.FontSizeAdjustment.value)  # Qt's own, which goes before
        large.setFontPointSize(self.font().pointSizeF() * _HEADING_SIZES.get(level, 1.0))
        large.setFontWeight(QFont.Weight.DemiBold)
        cursor.setCharFormat(large)

    def _dress_words(self, block: QTextBlock) -> None:
        """Links in the theme's colour; keys and code on a ground of their own."""
        palette = self.palette()
        code, link = QTextCharFormat(), QTextCharFormat()
        code.setBackground(QColor(tokens().border))
        code.setFontFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
        link.setForeground(palette.color(QPalette.ColorRole.Link))
        link.setFontUnderline(True)
        places: list[tuple[int, int, QTextCharFormat]] = []
        each = block.begin()
        while not each.atEnd():
            fragment = each.fragment()
            if fragment.charFormat().isAnchor():
                places.append((fragment.position(), fragment.length(), link))
            elif fragment.charFormat().fontFixedPitch():
                places.append((fragment.position(), fragment.length(), code))
            each += 1
        for start, length, form in places:
            cursor = QTextCursor(self.document())
            cursor.setPosition(start)
            cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(form)


def _is_same_code(block: QTextBlock, other: QTextBlock) -> bool:
    """Whether both are lines of one piece of code."""
    fence, language = QTextFormat.Property.BlockCodeFence.value, QTextFormat.Property.BlockCodeLanguage.value
    form, beside = block.blockFormat(), other.blockFormat()
    return other.isValid() and beside.hasProperty(fence) and form.property(language) == beside.property(language)


def anchor_of(heading: str) -> str:
    """As GitHub makes it: lower case, hyphens for spaces, no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _dress_table(table: QTextTable) -> None:
    form = table.format()
    form.setCellPadding(SPACE / 2)
    form.setCellSpacing(0)
    form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(QColor(tokens().border))
    form.setTopMargin(SPACE)
    form.setBottomMargin(SPACE)
    table.setFormat(form)
